-- The operators that get lanes of their own, and the tax ids by which the numbering plan names them.
insert into sms.operator (operator_id, operator, title)
values (0, 'other', 'Все остальные'),
       (1, 'mts', 'МТС'),
       (2, 'megafon', 'МегаФон'),
       (3, 'beeline', 'Билайн (ВымпелКом)'),
       (4, 't2', 'Т2')
    on conflict do nothing;

insert into sms.operator_tax_id (inn, operator_id)
select i.inn, o.operator_id
  from (values ('7740000076', 'mts'), ('7812014560', 'megafon'), ('7713076301', 'beeline'), ('7743895280', 't2')) as i (inn, operator)
  join sms.operator as o using (operator)
    on conflict (inn) do nothing;
