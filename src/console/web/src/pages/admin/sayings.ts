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
  [/^no contact is called (.+)$/, 'tidak ada kontak bernama $1'],
  [/^no category is called (.+)$/, 'tidak ada kategori $1'],
  [/^no (\S+) is called (.+)$/, 'tidak ada $1 bernama $2'],
  [/^no category has the agency (.+)$/, 'tidak ada kategori dengan instansi $1'],
  [/^known agencies: (.+)$/, 'instansi yang ada: $1'],
  [/^no contact has the role (.+)$/, 'tidak ada kontak dengan peran $1'],
  [/^the contact (.+) has no number$/, 'kontak $1 tidak bernomor'],
  [/^the chain (.+) has fewer than two people$/, 'rantai $1 kurang dari dua orang'],
  [
    /^add a step: whoever does not answer must not be the end of it$/,
    'tambah langkah: yang tidak menjawab tidak boleh menjadi akhirnya',
  ],
  [/^the chain (.+) calls this contact twice$/, 'rantai $1 memanggil kontak ini dua kali'],
  [
    /^keep one of the steps: several numbers stand at the contact$/,
    'simpan satu langkah: beberapa nomor ditulis pada kontaknya',
  ],
  [
    /^the chain (.+) is proposed for (.+), where no further contact has the role (.+)$/,
    'rantai $1 diusulkan untuk $2, tetapi di sana tidak ada kontak lagi dengan peran $3',
  ],
  [
    /^add these codes to the kecamatan of such a contact, or take them out of when$/,
    'tambahkan kode ini pada kecamatan kontak itu, atau keluarkan dari when',
  ],
  [
    /^the chain (.+) is never proposed: it is begun by hand only$/,
    'rantai $1 tidak pernah diusulkan: hanya dimulai sendiri',
  ],
  [
    /^no trunk has a target: no contact can be called from here$/,
    'tidak ada jaringan dengan target: kontak tidak dapat dipanggil dari sini',
  ],
  [/^(.+) is no number$/, '$1 bukan nomor'],
  [
    /^(.+) is our own emergency number: the chain would call us$/,
    '$1 nomor darurat kita sendiri: rantai akan memanggil kita',
  ],
  [/^this step calls nobody$/, 'langkah ini tidak memanggil siapa pun'],
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
