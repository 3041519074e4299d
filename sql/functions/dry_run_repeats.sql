-- Would one of the kept candidates make this one a duplicate? As in sms.rule_duplicate, with them in the contact log.
create or replace function sms.dry_run_repeats(
    p_fact sms.candidate, p_moment timestamptz, p_window interval, p_kept sms.candidate[]
)
    returns boolean
    language sql stable
as $$
    select p_window > '0'
       and exists (select from unnest(p_kept) as k
                    where k.msisdn = p_fact.msisdn and k.dedup_key = p_fact.dedup_key and k.not_before > p_moment - p_window)
$$;
comment on function sms.dry_run_repeats is 'Part of dry_run: does a kept candidate make this one a duplicate?';
revoke execute on function sms.dry_run_repeats from public;
