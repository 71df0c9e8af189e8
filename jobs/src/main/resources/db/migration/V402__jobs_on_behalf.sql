-- On whose behalf a job was put in: the id of the request, and its traceparent where its trace is sampled,
-- with a blank between them. NULL: nobody's in particular.
ALTER TABLE jobs ADD COLUMN on_behalf text;
