-- Trigger on provider: every provider has a breaker, closed at first, and a policy with the defaults.
create or replace function sms.complete_breakers()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into sms.breaker_policy (provider_id) select n.provider_id from new_rows as n on conflict do nothing;
    insert into sms.breaker (provider_id) select n.provider_id from new_rows as n on conflict do nothing;
    return null;
end
$$;
comment on function sms.complete_breakers is 'Trigger: a breaker and its policy for every provider.';
revoke execute on function sms.complete_breakers from public;

create or replace trigger complete_breakers after insert on sms.provider
    referencing new table as new_rows for each statement execute function sms.complete_breakers();
comment on trigger complete_breakers on sms.provider is 'New providers get their breaker.';
