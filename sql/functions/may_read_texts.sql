-- May the role that acts read the texts of messages? Who may not is told nothing from which a text could be guessed: a rule
-- that compares texts would tell, by trying, what stands in them.
create or replace function sms.may_read_texts()
    returns boolean
    language sql stable
as $$
    select has_column_privilege(sms.acting_role(), 'sms.outbox', 'body', 'select')
$$;
comment on function sms.may_read_texts is 'May the acting role read the texts of messages?';
revoke execute on function sms.may_read_texts from public;
