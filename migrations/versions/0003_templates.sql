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

-- ---------------------------------------------------------------- what the ERP's clients did

create table erp.local_action (
    action_id bigint generated always as identity primary key,
    client_id bigint not null,
    action text not null,
    at timestamptz not null default now(),
    amount numeric(14, 2),
    attributes jsonb not null default '{}'
);
create index local_action_client on erp.local_action (client_id, action, at);
create index local_action_action on erp.local_action (action, at);
comment on table erp.local_action is 'What clients did, where no ERP is connected: paid, paid late, bought, visited. erp.action reads it until replaced.';
comment on column erp.local_action.action_id is 'Key.';
comment on column erp.local_action.client_id is 'Who.';
comment on column erp.local_action.action is 'What: a word that audiences ask for, such as payment or late_payment.';
comment on column erp.local_action.at is 'When.';
comment on column erp.local_action.amount is 'Money, where there was any.';
comment on column erp.local_action.attributes is 'Anything else.';

create view erp.action as
    select a.client_id, a.action, a.at, a.amount, a.attributes from erp.local_action as a;
comment on view erp.action is
    'CONTRACT: client_id, action, at, amount, attributes. Replace it by a view over the ERP''s own payments, orders, visits; migrations leave it alone.';
comment on column erp.action.client_id is 'Who.';
comment on column erp.action.action is 'What: a word that audiences ask for.';
comment on column erp.action.at is 'When.';
comment on column erp.action.amount is 'Money, where there was any.';
comment on column erp.action.attributes is 'Anything else.';

create index client_location_city on geo.client_location (city);

-- ---------------------------------------------------------------- templates

alter table sms.template_version
    add column version_no int,
    add column variables jsonb,
    add column note text not null default '',
    drop constraint template_version_body_check,
    add constraint "a template's body is 1 to 10,000 characters" check (char_length(body) between 1 and 10000);
update sms.template_version as v
   set version_no = n.version_no
  from (select x.template_version_id,
               row_number() over (partition by x.template_id order by x.template_version_id) as version_no
          from sms.template_version as x) as n
 where n.template_version_id = v.template_version_id;
alter table sms.template_version alter column version_no set not null;
create unique index template_version_no on sms.template_version (template_id, version_no desc);
drop index sms.template_version_template_id;
comment on column sms.template_version.version_no is 'Counts from 1 within the template; given by the database. name@3 in sms.outbox.template means the third.';
comment on column sms.template_version.variables is
    'Declared variables: {"name": {"required": true, "sample": "Анна", "default": null, "meaning": "first name"}}. Null = those of the version before; where none ever declared any, whatever the body names.';
comment on column sms.template_version.note is 'Why it was changed.';
comment on column sms.outbox.template is 'Name of a template; its current version is used, or with name@3 its third.';

create table sms.spelling (
    kind text not null check (kind in ('space', 'typographic', 'lookalike', 'symbol', 'transliteration')),
    character text not null check (char_length(character) = 1),
    spelled text not null,
    title text not null default '',
    primary key (kind, character)
);
comment on table sms.spelling is 'Other ways to write a character, by what one gives up: proposed where they save a segment.';
comment on column sms.spelling.kind is 'space and typographic: nobody sees it; lookalike: a Cyrillic letter within a Latin word; symbol: written out; transliteration: reads differently.';
comment on column sms.spelling.character is 'The character.';
comment on column sms.spelling.spelled is 'How else to write it.';
comment on column sms.spelling.title is 'Its name, for people.';

-- ---------------------------------------------------------------- audiences

create table sms.audience (
    audience_id int primary key generated always as identity,
    audience text not null unique constraint "an audience's name is small letters, digits, _ . -" check (audience ~ '^[a-z][a-z0-9_.-]{0,79}$'),
    title text not null default '',
    query text not null constraint "an audience's query is 1 to 100,000 characters" check (char_length(query) between 1 and 100000),
    columns text[] not null,
    planned_cost double precision not null,
    version_no int not null default 1,
    created_at timestamptz not null default now(),
    created_by text not null default session_user,
    changed_at timestamptz not null default now(),
    changed_by text not null default session_user,
    removed_at timestamptz
);
comment on table sms.audience is 'Named SELECTs of people. Checked whenever they are written; read with the rights of sms_analyst by sms.run_audience.';
comment on column sms.audience.audience_id is 'Key.';
comment on column sms.audience.audience is 'Its name.';
comment on column sms.audience.title is 'For people.';
comment on column sms.audience.query is 'One SELECT of client_id, phone, optionally time_zone; all further columns are variables for templates.';
comment on column sms.audience.columns is 'The columns it yields; found when it is saved.';
comment on column sms.audience.planned_cost is 'The planner''s estimate when it was saved, in its own units.';
comment on column sms.audience.version_no is 'Which version this is; earlier ones are in sms.audience_version.';
comment on column sms.audience.created_at is 'When it was first saved.';
comment on column sms.audience.created_by is 'By whom.';
comment on column sms.audience.changed_at is 'When this version was saved.';
comment on column sms.audience.changed_by is 'By whom.';
comment on column sms.audience.removed_at is 'Since when it cannot be used; null = it can.';

create table sms.audience_version (
    audience_id int not null references sms.audience,
    version_no int not null,
    title text not null,
    query text not null,
    columns text[] not null,
    planned_cost double precision not null,
    removed_at timestamptz,
    changed_at timestamptz not null,
    changed_by text not null,
    primary key (audience_id, version_no)
);
comment on table sms.audience_version is 'What every audience was, version by version. Append-only.';
comment on column sms.audience_version.audience_id is 'Which audience.';
comment on column sms.audience_version.version_no is 'Counts from 1.';
comment on column sms.audience_version.title is 'Its title then.';
comment on column sms.audience_version.query is 'Its SELECT then.';
comment on column sms.audience_version.columns is 'The columns it yielded.';
comment on column sms.audience_version.planned_cost is 'The planner''s estimate then.';
comment on column sms.audience_version.removed_at is 'Set where this version is the removal.';
comment on column sms.audience_version.changed_at is 'When.';
comment on column sms.audience_version.changed_by is 'By whom.';
