/**
 * What the gateway says of a configuration, in Indonesian. It speaks English and plain text, so its commonest sentences
 * are known here by their form, names and numbers kept; any other stands as it was said. Nothing is decided by it.
 */
import { language } from '../../messages';
import type { Finding } from './findings';

/** The form of a sentence, and the same in Indonesian; `$1` is what stood in the first group. */
const SAYINGS: readonly [RegExp, string][] = [
  [/^no queue is called (.+)$/, 'tidak ada antrean bernama $1'],
  [/^no trunk is called (.+)$/, 'tidak ada jaringan bernama $1'],
  [/^no operator is called (.+)$/, 'tidak ada petugas bernama $1'],
  [/^no kecamatan is called (.+)$/, 'tidak ada kecamatan $1'],
  [/^no (\S+) is called (.+)$/, 'tidak ada $1 bernama $2'],
  [/^did you mean (.+)\?$/, 'maksud Anda $1?'],
  [/^known (\S+?)s: (.+)$/, 'yang ada: $2'],
  [/^known keys: (.+)$/, 'kunci yang ada: $1'],
  [/^unknown key (\S+) (.+)$/, 'kunci $1 tidak dikenal ($2)'],
  [/^key (\S+) is missing in (.+)$/, 'kunci $1 belum ditulis di $2'],
  [/^write for example (.+)$/, 'tulis misalnya $1'],
  [/^(\S+) = (-?\d+) is out of range$/, '$1 = $2 di luar batas'],
  [
    /^write a number from (-?\d+) to (-?\d+), for example (.+)$/,
    'tulis angka dari $1 sampai $2, misalnya $3',
  ],
  [/^(\S+) is a text, not (.+)$/, '$1 adalah teks, bukan $2'],
  [/^(\S+) is a number, not (.+)$/, '$1 adalah angka, bukan $2'],
  [/^the text is empty$/, 'teksnya kosong'],
  [/^write something, or leave the key out$/, 'tulis sesuatu, atau hilangkan kuncinya'],
  [/^(.+) cannot be a name$/, '$1 tidak dapat menjadi nama'],
  [
    /^write 1 to 64 letters, digits, hyphens, underscores and dots, for example (.+)$/,
    'tulis 1 sampai 64 huruf, angka, tanda hubung, garis bawah, dan titik, misalnya $1',
  ],
  [
    /^(\S+) (.+) exists twice; the first one stands at (.+)$/,
    '$1 $2 ada dua kali; yang pertama di $3',
  ],
  [/^keep one of them, or rename it$/, 'simpan salah satunya, atau ganti namanya'],
  [/^keep one of them$/, 'simpan salah satunya'],
  [
    /^there is no queue: no call could wait for an operator$/,
    'tidak ada antrean: panggilan tidak dapat menunggu petugas',
  ],
  [
    /^there is no rule: no call would reach a queue$/,
    'tidak ada aturan: tidak ada panggilan yang sampai ke antrean',
  ],
  [
    /^no rule is true for every call: some would reach no queue$/,
    'tidak ada aturan yang berlaku untuk semua panggilan: sebagian tidak akan sampai ke antrean',
  ],
  [
    /^the only rule for every call depends on the time$/,
    'satu-satunya aturan untuk semua panggilan bergantung pada waktu',
  ],
  [
    /^the rule is never true: none of its dates is on one of its days$/,
    'aturan ini tidak pernah berlaku: tanggalnya tidak jatuh pada harinya',
  ],
  [/^leave days out, or write other dates$/, 'hilangkan days, atau tulis tanggal lain'],
  [/^(.+) are no hours$/, '$1 bukan jam'],
  [
    /^write from and to with colons, for example (.+)$/,
    'tulis dari dan sampai dengan titik dua, misalnya $1',
  ],
  [
    /^(.+) is no time at all: it ends when it begins$/,
    '$1 tidak mencakup waktu apa pun: berakhir saat mulai',
  ],
  [
    /^write (.+) for a whole day, or leave hours out$/,
    'tulis $1 untuk sehari penuh, atau hilangkan hours',
  ],
  [/^write 00:00 for the beginning of a day$/, 'tulis 00:00 untuk awal hari'],
  [/^(.+) is no day$/, '$1 bukan hari'],
  [/^days are written (.+)$/, 'hari ditulis $1'],
  [/^(.+) is no date$/, '$1 bukan tanggal'],
  [
    /^write year, month and day, (.+), or two with \.\. between them$/,
    'tulis tahun, bulan, dan hari, $1, atau dua dengan .. di antaranya',
  ],
  [/^(.+) ends before it begins$/, '$1 berakhir sebelum mulai'],
  [/^write ("[^"]+")$/, 'tulis $1'],
  [/^add as the last one: (.+)$/, 'tambahkan sebagai yang terakhir: $1'],
  [
    /^the queue (.+) ends nowhere: its overflow leads to nobody$/,
    'antrean $1 tidak berujung: limpahannya tidak sampai ke siapa pun',
  ],
  [
    /^let the overflow end at a number, for example (.+)$/,
    'akhiri limpahan dengan nomor, misalnya $1',
  ],
  [/^the overflow goes in a circle: (.+)$/, 'limpahan berputar: $1'],
  [
    /^let one of these queues go to a number outside instead$/,
    'biarkan salah satu antrean ini menuju nomor di luar',
  ],
  [/^an overflow cannot go to (.+)$/, 'limpahan tidak dapat menuju $1'],
  [
    /^(.+) is no number: 3 to 15 digits after tel:$/,
    '$1 bukan nomor: 3 sampai 15 angka sesudah tel:',
  ],
  [
    /^no trunk leads to (.+): this step calls nobody$/,
    'tidak ada jaringan menuju $1: langkah ini tidak memanggil siapa pun',
  ],
  [/^add a trunk with (.+), or write a number$/, 'tambah jaringan dengan $1, atau tulis nomor'],
  [
    /^the rule (.+) is never reached: (.+) at (.+) takes all of its calls before it$/,
    'aturan $1 tidak pernah tercapai: $2 di $3 sudah mengambil semua panggilannya',
  ],
  [/^give it a higher priority, or remove it$/, 'beri urutan lebih tinggi, atau hapus'],
  [
    /^the seat (.+) serves no queue: it never rings$/,
    'kursi $1 tidak melayani antrean: tidak pernah berdering',
  ],
  [/^the seat (.+) serves the queue (.+) twice$/, 'kursi $1 melayani antrean $2 dua kali'],
  [/^(.+) sits at (.+) as well$/, '$1 juga duduk di $2'],
  [/^give each seat its own operator$/, 'beri setiap kursi petugasnya sendiri'],
  [
    /^the trunk (.+) has neither a source, nor a certificate's name, nor an account$/,
    'jaringan $1 tidak punya alamat asal, nama sertifikat, maupun akun',
  ],
  [/^(.+) is no network$/, '$1 bukan jaringan'],
  [/^(.+) is no area code$/, '$1 bukan kode area'],
  [/^write it with its leading zero, for example (.+)$/, 'tulis dengan nol di depan, misalnya $1'],
  [/^(.+) is no skill with a level$/, '$1 bukan kecakapan dengan tingkat'],
  [
    /^passwords of the sample are in use: everybody knows them$/,
    'kata sandi contoh masih dipakai: semua orang mengetahuinya',
  ],
  [
    /^give each account its own before phones outside this machine are let in$/,
    'beri setiap akun kata sandinya sendiri sebelum telepon dari luar mesin ini diterima',
  ],
  [
    /^a (password|token) stands here for all to read$/,
    '$1 tertulis di sini dan terbaca semua orang',
  ],
  [/^prefer (\S+) or (\S+)$/, 'lebih baik $1 atau $2'],
  [/^write (.+)$/, 'tulis $1'],
];

/** A sentence in the reader's language. */
export function inOwnWords(said: string): string {
  if (language.value === 'en') return said;
  for (const [form, own] of SAYINGS) {
    if (form.test(said)) return said.replace(form, own);
  }
  return said;
}

/** What is wrong and how to mend it, in the reader's language. */
export const spoken = (finding: Finding): { what: string; mend: string } => ({
  what: inOwnWords(finding.what),
  mend: inOwnWords(finding.mend),
});
