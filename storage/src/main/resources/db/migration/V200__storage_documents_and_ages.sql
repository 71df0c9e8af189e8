-- Versions come from one sequence for all documents, so that one which was deleted and put again
-- never has an entity tag that it had before.
CREATE SEQUENCE storage_version AS bigint;

-- Names sort by byte (collation "C"), which for UTF-8 is the order of code points, the same on
-- every platform.
CREATE TABLE storage_documents (
  partition text COLLATE "C" NOT NULL,
  id        text COLLATE "C" NOT NULL,
  version   bigint NOT NULL,
  body      bytea NOT NULL,
  PRIMARY KEY (partition, id)
);

CREATE TABLE storage_ages (
  id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  age  integer NOT NULL
);

CREATE INDEX storage_ages_by_name ON storage_ages (name, id) INCLUDE (age);

INSERT INTO storage_documents (partition, id, version, body) VALUES
  ('partition1', 'identifier1', nextval('storage_version'), convert_to('{"Name":"Foo","Age":140}', 'UTF8')),
  ('partition1', 'identifier2', nextval('storage_version'), convert_to('{"Name":"Melinda","Age":56}', 'UTF8')),
  ('partition2', 'identifier1', nextval('storage_version'), convert_to('{"Name":"John","Age":30}', 'UTF8')),
  ('partition2', 'identifier2', nextval('storage_version'), convert_to('{"Name":"Johnny","Age":31}', 'UTF8')),
  ('partition2', 'identifier3', nextval('storage_version'), convert_to('{"Name":"Albert","Age":1}', 'UTF8'));
