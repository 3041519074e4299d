-- A code for a short link of this message: a letter for the month of the message, so that one partition has to be looked
-- into, and eight that nobody guesses, from the server's strong random source. gen_random_uuid() has it in all bytes but the
-- seventh and the ninth. (That 256 is no multiple of 62 costs a hundredth of a bit.)
create or replace function sms.link_code(p_message_id bigint)
    returns text
    language sql volatile
as $$
    select substr(a.letters, sms.link_month_no(sms.id_time(p_message_id)) + 1, 1)
           || string_agg(substr(a.letters, get_byte(u.bytes, n) % 62 + 1, 1), '')
      from (select sms.link_letters() as letters) as a
     cross join (select uuid_send(gen_random_uuid()) as bytes) as u
     cross join unnest('{0,1,2,3,4,5,9,10}'::int[]) as n
     group by a.letters
$$;
comment on function sms.link_code is 'A code for a short link of a message: a letter for its month, and eight random ones.';
revoke execute on function sms.link_code from public;
