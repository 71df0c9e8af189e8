package dev.gatehouse.multivac;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FormTest {
  private static final String MULTIPART = "multipart/form-data; boundary=XyZ";

  private final Client client =
      new Client(
          Routes.builder()
              .post("/multivac/data", 1 << 20, request -> Response.json(200, Form.fields(request)))
              .build());

  @ParameterizedTest
  @CsvSource({
    "data=a+b%20c, a b c",
    "data=%C3%A9%F0%9F%9A%80, é🚀",
    "data=%3Cscript%3E%26%3D, <script>&=",
    "data=a=b, a=b",
    "data=%2B, +",
    "data=a;b, a;b",
  })
  void urlencoded_text_comes_out_as_it_was_meant(String body, String value) {
    assertThat(client.form(Client.URLENCODED, body).bodyText())
        .isEqualTo("{\"data\":\"" + value + "\"}");
  }

  @Test
  void multipart_text_comes_out_as_it_was_meant() {
    var body = part("data", "", "a+b%20é🚀\r\n--Xy\r\nnot the end");
    assertThat(client.form(MULTIPART, body.getBytes(UTF_8)).bodyText())
        .isEqualTo("{\"data\":\"a+b%20é🚀\\r\\n--Xy\\r\\nnot the end\"}");
  }

  @Test
  void a_part_may_say_that_it_is_utf_8_text() {
    var body = part("data", "Content-Type: text/plain; charset=UTF-8\r\n", "é");
    assertThat(client.form(MULTIPART, body.getBytes(UTF_8)).bodyText())
        .isEqualTo("{\"data\":\"é\"}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "data=%",
        "data=%4",
        "data=%zz",
        "data=%ff",
        "data=\u00ff",
        "data=%C3",
        "%ff=1",
        "data=1&data=2",
        "data=%ED%A0%80"
      })
  void a_broken_urlencoded_form_is_a_bad_request(String body) {
    assertThat(client.form(Client.URLENCODED, body).status()).as(body).isEqualTo(400);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no part at all",
        "--XyZ",
        "--XyZ\r\n",
        "--XyZ\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\nnever ended",
        "--XyZ\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--XyZ--\r\n",
        "--XyZ\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n\u00ff\r\n--XyZ--\r\n",
        "--XyZ\r\nContent-Disposition: form-data; name=\"data\"; filename=\"f\"\r\n\r\nx\r\n--XyZ--\r\n",
      })
  void a_broken_multipart_form_is_refused_or_has_no_data(String body) {
    var response = client.form(MULTIPART, body);
    if (response.status() == 200) {
      assertThat(response.bodyText()).isEqualTo("{}");
    } else {
      assertThat(response.status()).as(response.bodyText()).isEqualTo(400);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "application/json",
        "text/plain",
        "",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "application/x-www-form-urlencoded; charset=nonsense",
        "multipart/mixed; boundary=x"
      })
  void what_is_no_utf_8_form_is_an_unsupported_media_type(String type) {
    assertThat(client.form(type, "data=x").status()).isEqualTo(415);
  }

  @ParameterizedTest
  @ValueSource(strings = {"multipart/form-data", "multipart/form-data; boundary="})
  void a_multipart_form_without_a_boundary_is_a_bad_request(String type) {
    assertThat(client.form(type, "data=x").status()).isEqualTo(400);
  }

  @Test
  void too_many_fields_are_a_bad_request() {
    assertThat(client.form(Client.URLENCODED, "a=1&b=2&".repeat(2000)).status()).isEqualTo(400);
  }

  @Test
  void whatever_the_bytes_the_answer_is_never_an_internal_error() {
    var random = new Random(20261120);
    var alphabet = "--XyZ\r\n\r\n:;=\"%&+data name Content-Disposition: form-data";
    for (int i = 0; i < 3000; i++) {
      var body = new StringBuilder(i % 2 == 0 ? "--XyZ\r\n" : "");
      for (int length = random.nextInt(80); length > 0; length--) {
        int at = random.nextInt(alphabet.length());
        body.append(
            random.nextInt(8) == 0
                ? String.valueOf((char) random.nextInt(256))
                : alphabet.substring(at, Math.min(alphabet.length(), at + 1 + random.nextInt(20))));
      }
      var type = i % 3 == 0 ? Client.URLENCODED : MULTIPART;
      assertThat(client.form(type, body.toString()).status()).isIn(200, 400, 415);
    }
  }

  static String part(String name, String headers, String text) {
    return "--XyZ\r\nContent-Disposition: form-data; name=\""
        + name
        + "\"\r\n"
        + headers
        + "\r\n"
        + text
        + "\r\n--XyZ--\r\n";
  }
}
