-- Each service has its own role and database, so that no service can read another's tables.
-- Runs once, when the volume is new: later a password changes by ALTER ROLE.
\getenv intake INTAKE_DATABASE_PASSWORD
\getenv scoring SCORING_DATABASE_PASSWORD
\getenv notify NOTIFY_DATABASE_PASSWORD
CREATE ROLE intake LOGIN PASSWORD :'intake';
CREATE ROLE scoring LOGIN PASSWORD :'scoring';
CREATE ROLE notify LOGIN PASSWORD :'notify';
CREATE DATABASE intake OWNER intake;
CREATE DATABASE scoring OWNER scoring;
CREATE DATABASE notify OWNER notify;
REVOKE CONNECT ON DATABASE intake, scoring, notify FROM PUBLIC;
