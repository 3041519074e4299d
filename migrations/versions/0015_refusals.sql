-- Values with which nobody could reckon are refused, and what is refused is told in a sentence that fits into a name.

-- ---------------------------------------------------------------- sentences that were cut off at 63 bytes

alter table sms.campaign rename constraint "a cron expression has five fields: minute hour day month weekda"
    to "cron has five fields: minute hour day month weekday";
alter table sms.event_type rename constraint "variables are {name: kind}, kinds text number date moment boole"
    to "variables are text, number, date, moment, boolean; ?: optional";

-- What followed the 63rd byte is gone, so a constraint is known by how its name begins.
do $$
declare
    _cut record;
begin
    for _cut in
        select c.conname, v.sentence
          from (values ('own retention is for', 'own span: activity event inbound number_trouble rule_change'),
                       ('statistics_zone is a time', 'statistics_zone: a zone; statistics_hours_months: 0 to 9999')) as v (begins, sentence)
          join pg_constraint as c on c.conrelid = 'sms.setting'::regclass and starts_with(c.conname, v.begins)
         where c.conname <> v.sentence
    loop
        execute format('alter table sms.setting rename constraint %I to %I', _cut.conname, _cut.sentence);
    end loop;
end
$$;

-- ---------------------------------------------------------------- rule tables: sentences for all, and values that stop nobody or everything

-- A rule table says what it refuses, not which of its columns is checked.
alter table sms.channel rename constraint channel_channel_check to "channel is a name of 1 to 40 characters: a-z 0-9 _";
alter table sms.channel rename constraint channel_dedup_by_check to "dedup_by is text, text_in_channel or template";
alter table sms.channel rename constraint channel_max_attempts_check to "max_attempts is 1 to 100";
alter table sms.channel rename constraint channel_on_uncertain_check to "on_uncertain is hold, resend or give_up";
alter table sms.channel rename constraint channel_priority_check to "priority is 0 to 3";
alter table sms.channel rename constraint channel_sender_id_check to "sender_id is 1 to 15 characters";
alter table sms.blacklist rename constraint blacklist_source_check to "source is manual, import, auto, opt_out or legal";
alter table sms.cap rename constraint cap_max_messages_check to "max_messages is at least 0";
alter table sms.cap rename constraint cap_per_check to "per is number or client";
alter table sms.cap rename constraint cap_period_check to "period is day, week, month or rolling";
alter table sms.cap rename constraint cap_span_check to "span is more than 0, at most 366 days";
alter table sms.quiet_hours rename constraint quiet_hours_day_kind_check to "day_kind is working or off";
alter table sms.quiet_hours rename constraint quiet_hours_iso_weekday_check to "iso_weekday is 1 (Monday) to 7";
alter table sms.holiday rename constraint holiday_kind_check to "kind is off or working";
alter table sms.receipt_error rename constraint receipt_error_class_check to "class is one that the comment of the column lists";
alter table sms.auto_blacklist_rule rename constraint auto_blacklist_rule_class_check
    to "class is no_such_number, malformed, unreachable or refused";
alter table sms.stop_word rename constraint stop_word_meaning_check to "meaning is stop, start or all";

-- A number or prefix that no message has would quietly concern nobody; a span beyond the calendar would fail every claim, insert or
-- chore. Rows from before that break a rule stay as they are; the log of the server tells of them.
do $$
declare
    _new record;
begin
    for _new in
        select *
          from (values
              ('blacklist', 'blacklist_msisdn_check', 'msisdn is a Russian mobile number, like 79071234567',
               'msisdn between 79000000000 and 79999999999'),
              ('blacklist', 'blacklist_prefix_check', 'prefix is 1 to 11 digits that begin with 7', $c$prefix ~ '^7[0-9]{0,10}$'$c$),
              ('recipient_group_member', null, 'msisdn is a Russian mobile number, like 79071234567',
               'msisdn between 79000000000 and 79999999999'),
              ('consent', null, 'msisdn is a Russian mobile number, like 79071234567',
               'msisdn between 79000000000 and 79999999999'),
              ('channel', 'channel_dedup_window_check', 'dedup_window is 0 to 366 days',
               $c$dedup_window between '0' and '366 days'$c$),
              ('channel', 'channel_validity_check', 'validity is more than 0, at most 100 years',
               $c$validity > '0' and validity <= '100 years'$c$),
              ('channel', 'channel_retry_base_check', 'retry_base is more than 0, at most 366 days',
               $c$retry_base > '0' and retry_base <= '366 days'$c$),
              ('channel', 'channel_uncertain_after_check', 'uncertain_after is more than 0, at most 100 years',
               $c$uncertain_after > '0' and uncertain_after <= '100 years'$c$),
              ('auto_blacklist_rule', 'lasts is longer than nothing', 'lasts is more than 0, at most 1000 years',
               $c$lasts > '0' and lasts <= '1000 years'$c$),
              ('holiday', null, 'day is one of the years 1990 to 2100', $c$day between '1990-01-01' and '2100-12-31'$c$),
              ('stop_word', 'a stop word is one word', 'a stop word is one word of letters and digits',
               $c$word ~ '^[[:alnum:]]+$'$c$),
              ('setting', null, 'opt_out_answer is empty, or a text of at most 1000 characters',
               $c$setting <> 'opt_out_answer' or value = '' or (value ~ '\S' and char_length(value) <= 1000)$c$),
              ('setting', 'statistics_zone: a zone; statistics_hours_months: 0 to 9999', 'statistics_zone: a zone; statistics_hours_months: 0 to 9999',
               $c$case setting when 'statistics_zone' then (timestamptz '2020-01-01 00:00Z' at time zone value) is not null
                               when 'statistics_hours_months' then value ~ '^[0-9]{1,4}$'
                               else true end$c$),
              ('setting', 'days and months are whole numbers', 'days are 0 to 99999, months 0 to 9999',
               $c$case when setting = 'erp_ref_days' then value ~ '^[0-9]{1,5}$'
                       when setting = 'retention_months' then value ~ '^[0-9]{1,4}$'
                       when setting like 'retention\_months.%' then value ~ '^[0-9]{0,4}$'
                       else true end$c$)) as v (rule_table, replaces, sentence, condition)
    loop
        if _new.replaces is not null then
            execute format('alter table sms.%I drop constraint if exists %I', _new.rule_table, _new.replaces);
        end if;
        execute format('alter table sms.%I add constraint %I check (%s) not valid', _new.rule_table, _new.sentence, _new.condition);
        begin
            execute format('alter table sms.%I validate constraint %I', _new.rule_table, _new.sentence);
        exception
            when check_violation then
                raise warning 'sms.% has rows that its rule "%" would refuse: correct them', _new.rule_table, _new.sentence;
        end;
    end loop;
end
$$;

alter table sms.setting add constraint "currency is three capitals, such as RUB"
    check (setting <> 'currency' or value ~ '^[A-Z]{3}$');

-- To Postgres it is more than 0, and no worker could send with it.
alter table sms.provider add constraint "tps is a number" check (tps <> 'NaN');
