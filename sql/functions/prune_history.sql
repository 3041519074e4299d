-- Part of maintain_partitions: delete what is past its retention from the histories that are not cut into months, some ten
-- thousand rows of each at a time. The newest change of each rule row stays, so that the rules in force keep their author.
create or replace function sms.prune_history(p_as_of timestamptz, p_limit int default 20000)
    returns int
    language plpgsql volatile
as $$
declare
    _deleted int := 0;
    _count int;
begin
    delete from sms.activity as a
     where a.activity_id in (select x.activity_id from sms.activity as x
                              where x.activity_id < sms.id_at(p_as_of - sms.retention('activity')) order by x.activity_id limit p_limit);
    get diagnostics _count = row_count;
    _deleted := _deleted + _count;
    delete from sms.inbound as i
     where i.inbound_id in (select x.inbound_id from sms.inbound as x
                             where x.inbound_id < sms.id_at(p_as_of - sms.retention('inbound')) order by x.inbound_id limit p_limit);
    get diagnostics _count = row_count;
    _deleted := _deleted + _count;
    delete from sms.number_trouble as t
     where t.message_id in (select x.message_id from sms.number_trouble as x
                             where x.message_id < sms.id_at(p_as_of - sms.retention('number_trouble')) order by x.message_id limit p_limit);
    get diagnostics _count = row_count;
    _deleted := _deleted + _count;
    delete from sms.rule_change as c
     where c.change_id in (select x.change_id
                             from sms.rule_change as x
                            where x.change_id < sms.id_at(p_as_of - sms.retention('rule_change'))
                              and exists (select from sms.rule_change as n
                                           where n.rule_table = x.rule_table and n.rule_key = x.rule_key and n.change_id > x.change_id
                                             and n.change_id < sms.id_at(p_as_of - sms.retention('rule_change')))
                            order by x.change_id
                            limit p_limit);
    get diagnostics _count = row_count;
    _deleted := _deleted + _count;
    delete from sms.run_message as m   -- a campaign may have a million, so more of these at a time
     where m.ctid = any (array(select x.ctid
                                 from sms.campaign_run as r
                                 join sms.run_message as x on x.run_id = r.run_id
                                where r.last_id < sms.id_at(p_as_of - sms.retention('outbox'))
                                limit 10 * p_limit));
    get diagnostics _count = row_count;
    return _deleted + _count;
end
$$;
comment on function sms.prune_history is 'Delete what is past its retention from activity, inbound, number_trouble, rule_change and run_message.';
revoke execute on function sms.prune_history from public;
