create table sms.adapter_setting (
    adapter text not null,
    setting text not null,
    is_open boolean not null default false,
    primary key (adapter, setting)
);
comment on table sms.adapter_setting is 'Which settings an adapter has. Every migration fills it from the installed adapters; only the owner writes.';
comment on column sms.adapter_setting.adapter is 'As in sms.provider.adapter.';
comment on column sms.adapter_setting.setting is 'Its name; of one inside another the whole path: send.answers.when. Lists add nothing to it.';
comment on column sms.adapter_setting.is_open is 'Anything may stand below it: headers, a request''s JSON.';

comment on column sms.provider.secret_env is
    'Name of the worker''s variable that holds the secret: OUTBOX_SECRET_…, or one that OUTBOX_SECRET_NAMES lists there.';

-- What was told of settings up to now is told no more: the keys stay, the values go.
update sms.rule_change as c
   set old = jsonb_set(c.old, '{settings}', (select coalesce(jsonb_object_agg(k.key, '…'), '{}') from jsonb_object_keys(c.old -> 'settings') as k (key)))
 where c.rule_table = 'provider' and jsonb_typeof(c.old -> 'settings') = 'object';
update sms.rule_change as c
   set new = jsonb_set(c.new, '{settings}', (select coalesce(jsonb_object_agg(k.key, '…'), '{}') from jsonb_object_keys(c.new -> 'settings') as k (key)))
 where c.rule_table = 'provider' and jsonb_typeof(c.new -> 'settings') = 'object';
update sms.activity as a
   set detail = jsonb_set(a.detail, '{settings}', (select coalesce(jsonb_agg(k.key order by k.key), '[]') from jsonb_object_keys(a.detail -> 'settings') as k (key)))
 where a.kind = 'provider' and jsonb_typeof(a.detail -> 'settings') = 'object';
