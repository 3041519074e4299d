-- Four eyes that two cannot pass, a trail that those it watches cannot bend, several ERPs.

-- ---------------------------------------------------------------- four eyes

alter table sms.channel add column needs_release boolean not null default false;
comment on column sms.channel.needs_release is 'Four eyes: every campaign of this channel needs a release, whatever it says itself. Any operator asks for it, only the owner ends it.';

alter table sms.campaign
    add column writers text[] not null default '{}',
    add column authors jsonb not null default '{}';
comment on column sms.campaign.writers is 'Who changed it since its last release; none of them may release it. Written by a trigger.';
comment on column sms.campaign.authors is 'Who gave each column the value it has: {"budget": "anna"}; none of them may release it. Written by a trigger.';

alter table sms.campaign_run add column awaits_release boolean not null default false;
comment on column sms.campaign_run.awaits_release is 'True: paused by itself, because its campaign changed after its release; the next release lets it go on.';

-- Campaigns that are there: by what was kept of their changes. The trigger would take this for a change of contents.
alter table sms.campaign disable trigger user;
with change as (
    select c.campaign_id, h.change_id, h.changed_by, h.changed_at > coalesce(c.released_at, '-infinity') as is_since,
           array(select n.key from jsonb_each(h.new) as n
                  where n.value is distinct from coalesce(h.old, '{}') -> n.key
                    and n.key not in ('campaign_id', 'created_at', 'created_by', 'changed_at', 'changed_by', 'released_at',
                                      'released_by', 'released_digest')) as columns
      from sms.campaign as c
      join sms.rule_change as h on h.rule_table = 'campaign' and h.rule_key = c.campaign_id::text and h.action in ('insert', 'update')
), author as (
    select distinct on (g.campaign_id, n) g.campaign_id, n as name, g.changed_by
      from change as g cross join unnest(g.columns) as n
     order by g.campaign_id, n, g.change_id desc
)
update sms.campaign as c
   set authors = jsonb_build_object('campaign', c.created_by)
                 || coalesce((select jsonb_object_agg(a.name, a.changed_by) from author as a where a.campaign_id = c.campaign_id), '{}'),
       writers = array(select c.changed_by where c.changed_at > coalesce(c.released_at, '-infinity')
                        union select g.changed_by from change as g where g.campaign_id = c.campaign_id and g.is_since and g.columns <> '{}');
alter table sms.campaign enable trigger user;

-- ---------------------------------------------------------------- who moved a lane

alter table sms.lane add column moved jsonb;
comment on column sms.lane.moved is 'Why it was last re-pointed: {"cause", "detail", "is_automatic", "at"}, told to sms.lane_change. Written by the functions that do it.';

-- ---------------------------------------------------------------- several ERPs

create table sms.login_channel (
    login text not null constraint "a login has a name" check (btrim(login) <> ''),
    channel text not null references sms.channel (channel),
    primary key (login, channel)
);
comment on table sms.login_channel is 'Logins confined to channels: they see, insert and take back messages of these only. A login without a row sees all. Written by sms.confine_login.';
comment on column sms.login_channel.login is 'The login, as session_user tells it.';
comment on column sms.login_channel.channel is 'A channel that is its own.';
