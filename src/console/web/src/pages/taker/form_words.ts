/** What is read at the form: closing it, what is not saved yet, and what agencies were told. */
import { catalogue } from '../../messages';

const id = {
  'form.merged': 'Bagian dari catatan lain',
  'close.look': 'Belum ditutup: periksa isian yang ditandai dulu.',
  'left.title': '{n} formulir lain belum tersimpan di gateway. Dicoba terus dari peramban ini.',
  'left.open': 'Buka {incident}',
  'left.shut':
    'Ada isian Anda yang belum tersimpan: catatan ini sudah ditutup. Buka lagi untuk menyimpannya, atau buang.',
  'left.discard': 'Buang isian saya',
  'left.discard_detail': 'Yang Anda tulis dan belum tersimpan hilang: {fields}.',
  'leave.title': 'Belum semua tersimpan',
  'leave.detail':
    '{n} formulir belum tersimpan di gateway. Isiannya tinggal di peramban ini dan dikirim saat Anda masuk lagi di sini.',
  'leave.detail_lost':
    '{n} formulir belum tersimpan di gateway, dan peramban ini tidak dapat menyimpannya: isiannya hilang jika Anda keluar.',
  'leave.anyway': 'Tetap keluar',
  'agency.change': 'Ubah',
  'agency.change_of': 'Ubah {agency}',
  'agency.done_changing': 'Tutup isian',
  'agency.remove': 'Hapus dari formulir',
  'agency.note': 'Catatan: siapa, lewat apa',
  'agency.time_hint': 'Kosongkan untuk mencabut langkah ini.',
  'agency.order': 'Waktu harus berurutan: diberitahu, menerima, tiba, selesai.',
  'agency.needs_time': 'Isi sedikitnya satu waktu, atau hapus instansi ini.',
  'agency.note_long': 'Terlalu panjang: paling banyak 300 huruf.',
} as const;

const en: Record<keyof typeof id, string> = {
  'form.merged': 'Part of another record',
  'close.look': 'Not closed: look at the marked field first.',
  'left.title': '{n} other forms are not saved in the gateway yet. This browser keeps trying.',
  'left.open': 'Open {incident}',
  'left.shut':
    'Something you wrote is not saved: this record was closed. Open it again to save it, or throw it away.',
  'left.discard': 'Throw mine away',
  'left.discard_detail': 'What you wrote and is not saved is lost: {fields}.',
  'leave.title': 'Not everything is saved',
  'leave.detail':
    '{n} forms are not saved in the gateway. What you wrote stays in this browser and is sent when you sign in here again.',
  'leave.detail_lost':
    '{n} forms are not saved in the gateway, and this browser cannot keep them: what you wrote is lost if you sign out.',
  'leave.anyway': 'Sign out all the same',
  'agency.change': 'Change',
  'agency.change_of': 'Change {agency}',
  'agency.done_changing': 'Close',
  'agency.remove': 'Take off the form',
  'agency.note': 'Note: who, by which way',
  'agency.time_hint': 'Empty it to take this step back.',
  'agency.order': 'Times must be in order: told, accepted, arrived, done.',
  'agency.needs_time': 'Give one time at least, or take this agency off the form.',
  'agency.note_long': 'Too long: 300 characters at most.',
};

export const f = catalogue<keyof typeof id>({ id, en });
