-- What reads audiences used to belong to a member of sms_analyst, in a schema in which that role could name and alter it.
drop function if exists sms.run_audience(text, bigint);
drop function if exists sms.plan_audience(text);
drop function if exists sms.parse_audience(text);
drop function if exists sms.run_goal(int, timestamptz);
drop function if exists sms.refuse_open_schema();
drop function if exists sms.refuse_unsafe_select(text);
drop function if exists sms.audience_functions(oid[]);

create schema sms_audience;
comment on schema sms_audience is
    'Functions that run the texts of analysts. They belong to the roles sms_audience and sms_parser, which have no right to this schema, so they can name none of them.';
create schema sms_parser;
comment on schema sms_parser is 'Where the role sms_parser makes a view of a SELECT, to see what it calls, and takes it back.';

create table sms.audience_function (
    origin text not null,
    signature text not null,
    added_by text not null default session_user,
    primary key (origin, signature),
    constraint audience_function_signature check (signature ~ '^\w+\([\w,]*\)$')
);
comment on table sms.audience_function is
    'Functions of PostgreSQL and its extensions that audiences and goals may call. What is not here is refused; what is ours, or a DBA''s, is allowed by a grant to sms_audience.';
comment on column sms.audience_function.origin is 'pg_catalog, or the name of the extension that brought it.';
comment on column sms.audience_function.signature is 'Name and types of the arguments as pg_proc and pg_type have them, without blanks: substr(text,int4).';
comment on column sms.audience_function.added_by is 'The login that added it; the owner for those delivered.';

comment on table sms.audience is 'Named SELECTs of people. Checked whenever they are written; read with the rights of sms_audience by sms.run_audience.';
