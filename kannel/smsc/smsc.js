// An SMPP message centre for tests and the demo; the protocol itself is the npm package "smpp".
//
// Environment: PORT (0 = any free one), DLR_MS (receipt delay, empty = no receipts), LOG (file for
// the JSON lines, else standard output), MODE, PASSWORD (default "secret").
// Modes: ok · throttle (0x58) · queuefull (0x14) · reject (0x0b) · slow (no answer) · badpass (0x0e).
// A line "mode NAME" on standard input changes the mode; the end of standard input ends the program.
'use strict';
const fs = require('fs');
const smpp = require('smpp');

const REFUSALS = { throttle: 0x58, queuefull: 0x14, reject: 0x0b };
const MODES = ['ok', 'slow', 'badpass', ...Object.keys(REFUSALS)];
const password = process.env.PASSWORD || 'secret';
const delay = process.env.DLR_MS === '' ? null : Number(process.env.DLR_MS || 300);
const out = process.env.LOG ? fs.openSync(process.env.LOG, 'a') : 1;
let mode = process.env.MODE || 'ok';
let nextId = Date.now() * 1000; // another base at each start: old receipts match no new message
let unsent = []; // receipts waiting for somebody to be bound
const bound = new Set();

const log = (event, fields) =>
  fs.writeSync(out, JSON.stringify({ at: new Date().toISOString(), event, ...fields }) + '\n');

function receipt(id, submit) {
  const good = !submit.destination_addr.endsWith('9');
  const minute = new Date().toISOString().replace(/\D/g, '').slice(2, 12);
  return {
    esm_class: 4,
    source_addr: submit.destination_addr,
    destination_addr: submit.source_addr,
    short_message: `id:${id} sub:001 dlvrd:00${good ? 1 : 0} submit date:${minute} ` +
      `done date:${minute} stat:${good ? 'DELIVRD' : 'UNDELIV'} err:${good ? '000' : '001'} text:`,
  };
}

function deliver() {
  const [session] = bound;
  while (session && unsent.length) {
    const fields = unsent.shift();
    log('deliver_sm', { to: fields.source_addr, text: fields.short_message });
    session.deliver_sm(fields);
  }
}

function submit(session, pdu) {
  const status = REFUSALS[mode] || 0;
  const id = String(nextId++);
  const { udh = [], message = '' } = pdu.short_message;
  log('submit_sm', {
    id, status, mode, from: pdu.source_addr, to: pdu.destination_addr,
    data_coding: pdu.data_coding, esm_class: pdu.esm_class, priority: pdu.priority_flag,
    registered: pdu.registered_delivery, validity: pdu.validity_period,
    udh: Buffer.concat(udh).toString('hex'), text: message.toString(),
  });
  if (mode === 'slow') return;
  session.send(pdu.response(status ? { command_status: status } : { message_id: id }));
  if (status || delay === null || !(pdu.registered_delivery & 1)) return;
  setTimeout(() => { unsent.push(receipt(id, pdu)); deliver(); }, delay);
}

function bind(session, pdu) {
  const refused = mode === 'badpass' || pdu.password !== password;
  log(pdu.command, { system_id: pdu.system_id, status: refused ? 0x0e : 0 });
  session.send(pdu.response({ command_status: refused ? 0x0e : 0, system_id: 'simulator' }));
  if (!refused && pdu.command !== 'bind_transmitter') { bound.add(session); deliver(); }
}

const server = smpp.createServer((session) => {
  session.socket.setNoDelay(true);
  session.on('error', () => {}); // a reset connection is the client's affair
  session.on('close', () => bound.delete(session));
  for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
    session.on(kind, (pdu) => bind(session, pdu));
  }
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
});

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const wanted = line.replace(/^mode /, '').trim();
  if (MODES.includes(wanted)) mode = wanted;
  log('mode', { mode });
}).on('close', () => process.exit(0));

server.listen(Number(process.env.PORT || 2775), '127.0.0.1', () =>
  fs.writeSync(1, `ready ${server.address().port}\n`));
