/** The labels of the forms: words, and what goes wrong where it helps. */
import { language } from '../../messages';

/** Label and hint in Indonesian, then in English. */
const WORDS = {
  name: [['Nama'], ['Name']],
  full_name: [['Nama lengkap'], ['Full name']],
  answer: [
    ['Panggilan dijawab', 'Menjawab lebih awal dapat membebani pelapor biaya.'],
    ['Calls are answered', 'Answering early may cost the caller money.'],
  ],
  strategy: [['Kursi siap mana yang berdering'], ['Which ready seat rings']],
  ring_timeout_seconds: [
    ['Lama satu kursi berdering (detik)', '3 sampai 120, lalu kursi berikutnya'],
    ['A seat rings for (seconds)', '3 to 120, then the next seat'],
  ],
  wrap_up_seconds: [['Penyelesaian sesudah bicara (detik)'], ['Wrap-up after a talk (seconds)']],
  max_wait_seconds: [
    ['Tunggu sebelum tiap langkah limpahan (detik)', 'Lebih lama daripada satu deringan'],
    ['Wait before each step of the overflow (seconds)', 'Longer than one ringing'],
  ],
  overflow: [
    [
      'Limpahan',
      'Satu per baris, berurutan: queue:NAMA, tel:+62…, sip:nama@host. Yang terakhir nomor di luar.',
    ],
    [
      'Overflow',
      'One a line, in order: queue:NAME, tel:+62…, sip:name@host. The last is a number outside.',
    ],
  ],
  misses: [
    ['Tawaran terlewat sebelum kursi dikesampingkan', '0: tidak pernah'],
    ['Missed offers before a seat is set aside', '0: never'],
  ],
  set_aside_seconds: [['Dikesampingkan selama (detik)'], ['Set aside for (seconds)']],
  announce_languages: [
    ['Bahasa pengumuman', 'Satu per baris, berurutan: id, mad'],
    ['Languages of announcements', 'One a line, in order: id, mad'],
  ],
  announce_screen: [['Pelapor didengarkan'], ['Callers are listened to']],
  rule_priority: [
    ['Urutan', 'Yang tertinggi dan benar yang menentukan'],
    ['Order', 'The highest that is true decides'],
  ],
  rule_queue: [['Menuju antrean'], ['Goes to the queue']],
  call_priority: [
    ['Prioritas dalam antrean', '0 sampai 9, tertinggi paling dulu'],
    ['Priority in the queue', '0 to 9, highest first'],
  ],
  when_trunk: [
    ['Hanya dari jaringan', 'Kosong: semua'],
    ['Only from trunks', 'None: all'],
  ],
  when_kecamatan: [
    ['Hanya dari kecamatan', 'Kosong: semua, juga bila tidak diketahui'],
    ['Only from kecamatan', 'None: all, also where it is not known'],
  ],
  when_dialled: [
    ['Hanya untuk nomor yang diputar', 'Satu per baris'],
    ['Only for dialled numbers', 'One a line'],
  ],
  when_service: [
    ['Hanya untuk layanan', 'Satu per baris: sos.marine, sos.*'],
    ['Only for services', 'One a line: sos.marine, sos.*'],
  ],
  when_hours: [
    [
      'Hanya pada jam',
      'Satu per baris: 22:00-06:00. Lewat tengah malam dihitung sebagai hari mulainya.',
    ],
    [
      'Only at hours',
      'One a line: 22:00-06:00. Over midnight they belong to the day on which they begin.',
    ],
  ],
  when_days: [
    ['Hanya pada hari', 'Kosong: setiap hari'],
    ['Only on days', 'None: every day'],
  ],
  when_dates: [
    ['Hanya pada tanggal', 'Satu per baris: 2026-12-25, 2026-12-24..2026-12-26'],
    ['Only on dates', 'One a line: 2026-12-25, 2026-12-24..2026-12-26'],
  ],
  rule_skills: [
    ['Meminta kecakapan', 'Satu per baris: kepulauan:2'],
    ['Asks for skills', 'One a line: kepulauan:2'],
  ],
  seat_operator: [['Yang duduk di sana'], ['Who sits there']],
  seat_queues: [
    ['Melayani antrean', 'Tingkat 1 ditanya lebih dulu'],
    ['Serves the queues', 'Tier 1 is asked first'],
  ],
  seat_skills: [
    ['Kecakapan', 'Satu per baris: mad = 3. Tingkat 1 sampai 9.'],
    ['Skills', 'One a line: mad = 3. Levels 1 to 9.'],
  ],
  auto_ready: [['Siap begitu teleponnya tersambung'], ['Ready as soon as its phone registers']],
  auto_answer: [
    ['Teleponnya diminta menjawab sendiri'],
    ['Its phone is asked to answer by itself'],
  ],
  seat_text: [['Teleponnya menampilkan dan menulis teks'], ['Its phone shows and writes text']],
  network: [['Nama jaringan bagi petugas'], ['Network, as people call it']],
  source: [
    ['Alamat dan jaringan asalnya', 'Satu per baris: 192.0.2.7, 192.0.2.0/24'],
    ['Addresses and networks that it comes from', 'One a line: 192.0.2.7, 192.0.2.0/24'],
  ],
  target: [
    ['Alamatnya sendiri', 'sip:HOST; kosong: hanya menelepon kita'],
    ['Its own address', 'sip:HOST; empty: it only calls us'],
  ],
  trust_identity: [
    ['Identitas yang disampaikannya dipercaya'],
    ['The identity that it tells is believed'],
  ],
  area_code: [['Kode area nomor lokalnya'], ['Area code of its local numbers']],
  early_media: [['Suara sebelum dijawab'], ['Sound before the answer']],
  codecs: [
    ['Kodek, terbaik dulu', 'Satu per baris: pcma, pcmu, g722, opus'],
    ['Codecs, best first', 'One a line: pcma, pcmu, g722, opus'],
  ],
  caller_id: [['Nomor yang tampak pada panggilan keluar'], ['Number shown on outgoing calls']],
  test_number: [['Nomor panggilan uji'], ['Number of the test call']],
  quiet_alarm_minutes: [
    ['Peringatan bila diam selama (menit)', '0: tidak pernah'],
    ['Alarm when silent for (minutes)', '0: never'],
  ],
  contact_numbers: [
    ['Nomor', 'Satu per baris, dicoba berurutan: +6281234567801 atau 115'],
    ['Numbers', 'One a line, tried in order: +6281234567801 or 115'],
  ],
  contact_agency: [
    ['Instansi', 'Waktunya masuk ke formulir ketika ia menerima.'],
    ['Agency', 'Its times stand in the form when it comes.'],
  ],
  contact_role: [
    ['Peran', 'Rantai dapat menyebutnya: camat, puskesmas'],
    ['Role', 'Chains may name it: camat, puskesmas'],
  ],
  contact_kecamatan: [
    ['Untuk kecamatan', 'Kosong: semua'],
    ['For kecamatan', 'None: all'],
  ],
  contact_note: [['Catatan bagi penelepon dari pusat'], ['Note for whoever calls']],
  chain_title: [['Judul'], ['Title']],
  chain_steps: [
    [
      'Siapa yang dipanggil, berurutan',
      'Paling sedikit dua. Peran: yang bertugas di kecamatan panggilan.',
    ],
    ['Who is called, in order', 'Two at least. A role: who answers for the kecamatan of the call.'],
  ],
  chain_category: [
    ['Diusulkan untuk kategori', 'Kosong: semua'],
    ['Proposed for categories', 'None: all'],
  ],
  chain_kecamatan: [
    ['Diusulkan untuk kecamatan', 'Kosong: semua, juga bila tidak diketahui'],
    ['Proposed for kecamatan', 'None: all, also where it is not known'],
  ],
  keep_calls: [
    ['Untuk panggilan jenis', 'Setiap jenis di satu aturan saja'],
    ['For calls of the kind', 'Each kind in one rule only'],
  ],
  audio_days: [
    ['Rekaman suara disimpan (hari)', 'Yang lebih lama dihapus dalam satu jam, untuk selamanya.'],
    ['Recordings are kept for (days)', 'What is older is deleted within the hour, for ever.'],
  ],
  record_days: [['Catatan kejadian disimpan (hari)'], ['Incident records are kept for (days)']],
  trace_days: [['Pesan SIP disimpan (hari)'], ['SIP messages are kept for (days)']],
  keep_ground: [['Dasar hukum'], ['Ground in law']],
} as const satisfies Record<string, readonly [readonly string[], readonly string[]]>;

export type FieldKey = keyof typeof WORDS;

export function fieldWords(key: FieldKey): { label: string; hint?: string } {
  const [label = key, hint] = WORDS[key][language.value === 'id' ? 0 : 1];
  return hint === undefined ? { label } : { label, hint };
}

const CHOICES: Record<string, readonly [string, string]> = {
  on_agent: ['ketika kursi menjawab', 'when a seat answers'],
  immediate: ['segera', 'at once'],
  after_seconds: ['sesudah sekian detik di antrean', 'after so many seconds in the queue'],
  longest_idle: ['yang paling lama menganggur', 'the one that is free longest'],
  fewest_calls: ['yang paling sedikit panggilannya', 'the one with the fewest calls'],
  round_robin: ['bergiliran', 'one after the other'],
  ring_all: ['semua; yang pertama menjawab', 'all; the first to answer'],
  preference: ['menurut pilihan kursi', 'by preference of the seat'],
  last_operator: ['yang bicara dengan pelapor sebelumnya', 'who talked to the caller before'],
  never: ['tidak pernah', 'never'],
  while_waiting: ['selama menunggu', 'while they wait'],
  first: ['sebelum kursi berdering', 'before a seat rings'],
  no: ['tidak dapat diandalkan', 'nothing that can be relied on'],
  heard: ['pelapor mendengar kita', 'callers hear us'],
  both: ['dua arah', 'both ways'],
  mon: ['Senin', 'Monday'],
  tue: ['Selasa', 'Tuesday'],
  wed: ['Rabu', 'Wednesday'],
  thu: ['Kamis', 'Thursday'],
  fri: ['Jumat', 'Friday'],
  sat: ['Sabtu', 'Saturday'],
  sun: ['Minggu', 'Sunday'],
};

/** A value that the configuration knows, in words. */
export const choiceWord = (value: string): string =>
  CHOICES[value]?.[language.value === 'id' ? 0 : 1] ?? value;
