-- The launch of the command: write down the run, as sms.launch_campaign does; sms.finish_launch collects its people in a
-- transaction of its own, and where that does not come, a worker does. By the campaign's id; errors as of sms.launch_campaign.
create or replace function sms.begin_launch(p_campaign_id bigint)
    returns bigint
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$ select sms.begin_run(p_campaign_id) $$;
comment on function sms.begin_launch is 'Launch in two steps, the first: write down the run; returns it.';
revoke execute on function sms.begin_launch from public;
