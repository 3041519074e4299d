-- Uncertain messages that waited longer than their channel's uncertain_after: resend or give up, as the channel says.
-- Channels with on_uncertain = hold are left to a person or a late receipt.
create or replace function sms.apply_uncertain_policy(p_limit int default 1000, p_as_of timestamptz default null)
    returns table (resent int, given_up int)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _resend bigint[];
    _give_up bigint[];
begin
    -- Not the youngest: a settle under way may be doubting the message again, unseen by the look-up in this snapshot.
    delete from sms.doubtful as d
     where d.since < _now - interval '10 minutes'
       and not exists (select from sms.outcome as o where o.id = d.id and o.state = 'uncertain');
    select array_agg(d.id) filter (where d.on_uncertain = 'resend'), array_agg(d.id) filter (where d.on_uncertain = 'give_up')
      into _resend, _give_up
      from (select x.id, c.on_uncertain
              from sms.doubtful as x
              join sms.outcome as o on o.id = x.id
              join sms.lane as l using (lane_id)
              join sms.channel as c using (channel_id)
             where o.state = 'uncertain' and c.on_uncertain <> 'hold' and o.decided_at < _now - c.uncertain_after
             limit p_limit) as d;
    return query select coalesce(sms.resolve_uncertain(_resend, 'resend', null, 'the channel''s on_uncertain'), 0),
                        coalesce(sms.resolve_uncertain(_give_up, 'give_up', 'no answer within the channel''s uncertain_after', 'the channel''s on_uncertain'), 0);
end
$$;
comment on function sms.apply_uncertain_policy is 'Chore. Apply each channel''s on_uncertain to messages that stayed uncertain too long.';
revoke execute on function sms.apply_uncertain_policy from public;
