-- Clicks: links in texts of chosen channels become short links of our own, whose server notes who opened them.

alter table sms.channel add column track_clicks boolean not null default false;
comment on column sms.channel.track_clicks is
    'True: links in its texts are sent as short links of our own, where setting short_link_base has a value.';

alter table sms.setting add constraint "short_link_base is http(s)://host/path/, at most 60 characters"
    check (setting <> 'short_link_base' or value ~ '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/)?$' and length(value) <= 60);
-- A pattern that is none is refused by the comparison itself.
alter table sms.setting add constraint "short_link_robots is a pattern"
    check (setting <> 'short_link_robots' or '' ~* value is not null);

create table sms.short_link (
    message_id bigint not null,
    link_no smallint not null check (link_no > 0),
    code text not null check (code ~ '^[0-9A-Za-z]{9}$'),
    url text not null,
    primary key (message_id, link_no)
) partition by range (message_id);
comment on table sms.short_link is 'A link in a text that was sent as a short one. The code is unique in its month, which its first letter names.';
comment on column sms.short_link.message_id is 'The message: sms.outbox.id.';
comment on column sms.short_link.link_no is 'Place among the links of the text, from 1.';
comment on column sms.short_link.code is 'What follows short_link_base in the text that was sent.';
comment on column sms.short_link.url is 'Where it leads: the link as the text had it.';

create table sms.click (
    click_id bigint not null default sms.next_id(),
    message_id bigint not null,
    link_no smallint not null,
    at timestamptz not null default clock_timestamp(),
    is_robot boolean not null,
    primary key (click_id)
) partition by range (click_id);
create index click_message on sms.click (message_id);
create index click_at on sms.click (at);
comment on table sms.click is 'A short link was opened. No address and no device is kept.';
comment on column sms.click.click_id is 'Key; holds the time.';
comment on column sms.click.message_id is 'The message whose link it was.';
comment on column sms.click.link_no is 'Which of its links.';
comment on column sms.click.at is 'When.';
comment on column sms.click.is_robot is 'Opened by a program that makes previews or searches, by setting short_link_robots: no click of a person.';
