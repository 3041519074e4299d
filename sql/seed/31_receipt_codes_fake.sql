-- What the codes of the in-process provider mean. Corrected on every migration.

insert into sms.receipt_code (adapter, code, state, meaning) values
    ('fake', 'accepted', 'accepted', 'Pretends that the SMSC took it.'),
    ('fake', 'buffered', null, 'Pretends that the phone is away for now.'),
    ('fake', 'delivered', 'delivered', 'Pretends that the phone has it.'),
    ('fake', 'undelivered', 'undelivered', 'Pretends that the operator gave up.'),
    ('fake', 'expired', 'expired', 'Pretends that the phone stayed away too long.'),
    ('fake', 'rejected', 'rejected', 'Pretends that the SMSC refused it.')
on conflict (adapter, code) do update set state = excluded.state, meaning = excluded.meaning;
