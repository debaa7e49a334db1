-- Each service has its own role and database, so that no service can read another's tables.
CREATE ROLE intake LOGIN PASSWORD 'intake';
CREATE ROLE scoring LOGIN PASSWORD 'scoring';
CREATE ROLE notify LOGIN PASSWORD 'notify';
CREATE DATABASE intake OWNER intake;
CREATE DATABASE scoring OWNER scoring;
CREATE DATABASE notify OWNER notify;
REVOKE CONNECT ON DATABASE intake, scoring, notify FROM PUBLIC;
