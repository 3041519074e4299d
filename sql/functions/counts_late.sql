-- Does a report count that comes from a provider which does not have the message now? Only where it had it before, and says
-- that it was delivered: the subscriber has it, whoever sends it again. Its failures are why the message went on.
create or replace function sms.counts_late(p_message_id bigint, p_provider_id smallint, p_state text)
    returns boolean
    language sql stable
as $$
    select p_state = 'delivered'
       and exists (select from sms.earlier_carrier as e where e.message_id = p_message_id and e.provider_id = p_provider_id)
$$;
comment on function sms.counts_late is 'Does the report of a provider count that does not have the message now?';
revoke execute on function sms.counts_late from public;
