-- Effect: what clients did after messages, and how much of it is owed to them.

create table sms.goal (
    goal_id int primary key generated always as identity,
    goal text not null unique
        constraint "a goal's name is small letters, digits and _ . -" check (goal ~ '^[a-z][a-z0-9_.-]{0,79}$'),
    title text not null default '',
    query text,
    attribution_window interval not null default '7 days'
        constraint "an attribution window is between a minute and 400 days" check (attribution_window between '1 minute' and '400 days'),
    collected_until timestamptz,
    is_enabled boolean not null default true,
    created_at timestamptz not null default now(),
    created_by text not null default session_user
);
comment on table sms.goal is 'An action that messages are meant to bring about: a payment, a log-in, a purchase.';
comment on column sms.goal.goal_id is 'Key.';
comment on column sms.goal.goal is 'Name.';
comment on column sms.goal.title is 'What it is, for people.';
comment on column sms.goal.query is 'SELECT over the ERP''s tables that yields client_id, occurred_at and optionally amount, ref; null = the ERP inserts rows of sms.conversion itself.';
comment on column sms.goal.attribution_window is 'How long after a message an action may be owed to it.';
comment on column sms.goal.collected_until is 'The query was last collected at this moment.';
comment on column sms.goal.is_enabled is 'Whether the query is collected.';
comment on column sms.goal.created_at is 'When.';
comment on column sms.goal.created_by is 'Who.';

create table sms.conversion (
    conversion_id bigint not null default sms.next_id() primary key,
    goal_id int not null references sms.goal,
    client_id bigint not null,
    occurred_at timestamptz not null default now(),
    amount numeric(14, 2),
    ref text not null default '',
    noted_at timestamptz not null default clock_timestamp(),
    constraint "a conversion is told once" unique (goal_id, client_id, occurred_at, ref)
);
create index conversion_goal_time on sms.conversion (goal_id, occurred_at);
comment on table sms.conversion is 'A client did what a goal names. Inserted by the ERP, or collected by the goal''s query.';
comment on column sms.conversion.conversion_id is 'Key.';
comment on column sms.conversion.goal_id is 'Goal.';
comment on column sms.conversion.client_id is 'The ERP''s client.';
comment on column sms.conversion.occurred_at is 'When the client did it.';
comment on column sms.conversion.amount is 'Money it brought, in the currency of setting currency; null = none.';
comment on column sms.conversion.ref is 'The ERP''s reference, where one client may do it twice at one moment.';
comment on column sms.conversion.noted_at is 'When it came to be known here.';
