-- Hash indexes for the look-ups every judgement makes by an exact key: one page instead of a walk down a tree whose
-- pages a batch of strangers never finds in the CPU's cache (a million blacklisted numbers: 2.6 → 1.5 µs a message;
-- consents by number and client: 2.8 → 1.9).

drop index sms.blacklist_msisdn;
create index blacklist_msisdn on sms.blacklist using hash (msisdn) where msisdn is not null;

drop index sms.consent_msisdn, sms.consent_client_id;
create index consent_msisdn on sms.consent using hash (msisdn) where msisdn is not null;
create index consent_client_id on sms.consent using hash (client_id) where client_id is not null;
