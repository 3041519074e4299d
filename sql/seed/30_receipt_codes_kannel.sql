-- What Kannel's delivery report values (%d) mean. Corrected on every migration.
-- providers/kannel_receipts.py picks 16, 34 or 66 where the SMSC's text says more than Kannel's 2.

insert into sms.receipt_code (adapter, code, state, meaning) values
    ('kannel', '1', 'delivered', 'The phone has it. Of a long text only the first part is reported.'),
    ('kannel', '2', 'undelivered', 'The operator gave up; its own status and error code are in error.'),
    ('kannel', '4', null, 'The SMSC keeps it for a phone that is away.'),
    ('kannel', '8', 'accepted', 'The SMSC took it.'),
    ('kannel', '16', 'rejected', 'The SMSC refused it; NACK/no SMSC or NACK/Retries Exceeded: Kannel itself threw it away, it never left.'),
    ('kannel', '34', 'expired', 'The phone stayed away until its validity ended.'),
    ('kannel', '66', 'undelivered', 'The SMSC does not know what became of it.')
on conflict (adapter, code) do update set state = excluded.state, meaning = excluded.meaning;
