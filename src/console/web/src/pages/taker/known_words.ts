/** Words for what the network tells: who vouches for a number, where a place comes from, what came along. */
import { catalogue, language, wordFrom } from '../../messages';

const id = {
  'trust.asserted': 'Jaringan menjamin nomornya',
  'trust.screened': 'Nomor diperiksa jaringan',
  'trust.claimed': 'Nomor tidak dijamin jaringan mana pun',
  'badge.A': 'Tanda tangan A: operator asal mengenal penelepon dan menjamin nomornya',
  'badge.B': 'Tanda tangan B: operator asal mengenal penelepon, nomornya tidak dijamin',
  'badge.C': 'Tanda tangan C: hanya diketahui dari mana panggilan masuk jaringan',
  'badge.signed': 'Nomor ditandatangani',
  'badge.failed': 'Tanda tangan nomor tidak sah',
  'verstat.TN-Validation-Passed': 'Jaringan memeriksa nomornya: benar',
  'verstat.TN-Validation-Failed': 'Jaringan memeriksa nomornya: tidak cocok',
  'verstat.No-TN-Validation': 'Jaringan tidak memeriksa nomornya',
  'who.issued': 'Nomor milik blok {name} (bisa sudah pindah)',
  'who.country': 'Nomor luar negeri: {name}',
  'who.device': 'Perangkat',
  'who.signer': 'Ditandatangani oleh {name}',
  'who.header': 'Diambil dari {header}',
  'place.found': 'Ditemukan {time}',
  'place.old.minutes': 'Ditemukan {time}: {n} menit yang lalu',
  'place.old.hours': 'Ditemukan {time}: {n} jam yang lalu',
  'place.old.days': 'Ditemukan {time}: {n} hari yang lalu',
  'place.unknown_time': 'Kapan ditemukan tidak disebut',
  'place.source': 'Sumber',
  'place.confidence': 'yakin {n} %',
  'place.method': 'cara {method}',
  'place.why': 'Mengapa',
  'place.sent': 'dikirim oleh {name}',
  'data.title': 'Yang dikirim bersama panggilan',
  'data.none': 'Tidak ada.',
  'data.unknown': 'Tidak dikenal; disimpan utuh ({n} byte)',
  'data.reference': 'Hanya alamatnya yang datang',
  'data.whole': 'Isi lengkap',
  'data.late': 'menyusul lewat {how}',
} as const;

const en: Record<keyof typeof id, string> = {
  'trust.asserted': 'A network vouches for the number',
  'trust.screened': 'The number was screened by the network',
  'trust.claimed': 'No network vouches for the number',
  'badge.A': 'Signature A: the originating network knows the caller and vouches for the number',
  'badge.B': 'Signature B: the originating network knows the caller, not the number',
  'badge.C': 'Signature C: it is known only where the call entered a network',
  'badge.signed': 'The number is signed',
  'badge.failed': 'The signature of the number does not hold',
  'verstat.TN-Validation-Passed': 'The network checked the number: right',
  'verstat.TN-Validation-Failed': 'The network checked the number: wrong',
  'verstat.No-TN-Validation': 'The network did not check the number',
  'who.issued': 'Number of a block of {name} (it may have moved)',
  'who.country': 'Number from abroad: {name}',
  'who.device': 'Device',
  'who.signer': 'Signed by {name}',
  'who.header': 'Taken from {header}',
  'place.found': 'Found {time}',
  'place.old.minutes': 'Found {time}: {n} minutes ago',
  'place.old.hours': 'Found {time}: {n} hours ago',
  'place.old.days': 'Found {time}: {n} days ago',
  'place.unknown_time': 'When it was found is not said',
  'place.source': 'Source',
  'place.confidence': '{n} % sure',
  'place.method': 'by {method}',
  'place.why': 'Why',
  'place.sent': 'sent by {name}',
  'data.title': 'What came with the call',
  'data.none': 'Nothing.',
  'data.unknown': 'Not known; kept whole ({n} bytes)',
  'data.reference': 'Only its address came',
  'data.whole': 'All of it',
  'data.late': 'came later by {how}',
};

const texts = { id, en };
export const k = catalogue<keyof typeof id>(texts);
export const trustWord = wordFrom(texts, 'trust');
export const badgeWord = wordFrom(texts, 'badge');
const verstat = wordFrom(texts, 'verstat');
/** `TN-Validation-Passed-A` says the same as without its attestation. */
export const verstatWord = (word: string) => {
  const plain = word.replace(/-[ABC]$/, '');
  const said = verstat(plain);
  return said === plain ? word : said;
};

/** Why the gateway believes a place: its sentences, in Indonesian where that is read. */
const REASONS: [RegExp, string][] = [
  [/^(.+): within (\d+) m/, '$1: dalam $2 m'],
  [/, nearer than what was known before/, ', lebih dekat dari yang diketahui sebelumnya'],
  [/; nobody vouches for it/, '; tidak ada yang menjamin'],
  [/; only the phone says so/, '; hanya kata teleponnya'],
  [/^the address says so \((.+)\)/, 'menurut alamatnya ($1)'],
  [/^the address lies in (.+) \((.+)\)/, 'alamatnya di $1 ($2)'],
  [/^the area of cell (\S+) stands (?:there|in (.+?))(?=;|$)/, 'daerah sel $1 ada di sana'],
  [/^the cell (\S+) stands (?:there|in (.+?))(?=;|$)/, 'sel $1 ada di sana'],
  [
    /^(\d+) of (\d+) callers of cell (\S+) were there/,
    '$1 dari $2 penelepon lewat sel $3 ada di sana',
  ],
];

export const reasonInWords = (why: string) =>
  language.value === 'id' ? REASONS.reduce((text, [from, to]) => text.replace(from, to), why) : why;
