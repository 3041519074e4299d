-- Templates with declared variables, audiences, the ERP's client view, who did what.

-- ---------------------------------------------------------------- who did what

create table sms.activity (
    activity_id bigint not null default sms.next_id() primary key,
    at timestamptz not null default clock_timestamp(),
    done_by text not null default session_user,
    acted_as text not null,
    action text not null,
    kind text not null,
    name text not null,
    detail jsonb not null default '{}'
);
create index activity_name on sms.activity (kind, name, activity_id);
comment on table sms.activity is 'Who created, changed, launched, paused or switched what, and when. Append-only; written by sms.log_activity.';
comment on column sms.activity.activity_id is 'Time-ordered id.';
comment on column sms.activity.at is 'When.';
comment on column sms.activity.done_by is 'Who was logged in.';
comment on column sms.activity.acted_as is 'The role in force.';
comment on column sms.activity.action is 'created, changed, launched, paused, resumed, stopped, finished, released, switched, …';
comment on column sms.activity.kind is 'template, audience, campaign, run, event_rule, channel, provider, message, …';
comment on column sms.activity.name is 'Its name, or id as text.';
comment on column sms.activity.detail is 'Facts: a reason, counts, old and new values.';

-- ---------------------------------------------------------------- the ERP's clients

create schema erp;
comment on schema erp is 'What the outbox may see of the ERP.';

create table erp.local_client (
    client_id bigint primary key,
    phone text,
    city text,
    time_zone text,
    attributes jsonb not null default '{}'
);
comment on table erp.local_client is 'Clients kept here where no ERP is connected: the demo, trials, small installations. erp.client reads it until replaced.';
comment on column erp.local_client.client_id is 'The ERP''s client id.';
comment on column erp.local_client.phone is 'Phone as the ERP has it.';
comment on column erp.local_client.city is 'Town of residence.';
comment on column erp.local_client.time_zone is 'IANA zone where known.';
comment on column erp.local_client.attributes is 'Anything else an audience may ask for.';

create view erp.client as
    select c.client_id, c.phone, c.city, c.time_zone, c.attributes from erp.local_client as c;
comment on view erp.client is
    'CONTRACT: client_id, phone, city, time_zone, attributes. Replace it by a view over the ERP''s own table (postgres_fdw, replication); migrations leave it alone.';
comment on column erp.client.client_id is 'The ERP''s client id.';
comment on column erp.client.phone is 'Phone as the ERP has it.';
comment on column erp.client.city is 'Town of residence.';
comment on column erp.client.time_zone is 'IANA zone where known.';
comment on column erp.client.attributes is 'Anything else an audience may ask for.';
