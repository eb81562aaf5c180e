// Writes hostile text into every free field of a plan: what a plan may hold. What it refuses (control
// characters, 10,000 characters) the tests of the library put into documents.
import fs from "node:fs";

const path = process.argv[2];
const hostile = [
  "<script>window.pwned=1</script></script><!--",
  "\\\"><img src=x onerror=window.pwned=1> ]]> <svg/onload=window.pwned=1>",
  "\\u202Egnp.exe \\u2066 \\u2028 \\u2029 👩‍👩‍👧‍👦 🇩🇪",
  "'+alert(1)+' `${window.pwned=1}` {{7*7}} {count} &lt;b&gt; javascript:window.pwned=1 " + "x".repeat(150),
];
let place = 0;
const plan = fs.readFileSync(path, "utf8").replace(/^(title|problem|owner)( *= *)".*"/gm,
  (all, key, is) => `${key}${is}"${hostile[place++ % hostile.length]}"`);
if (place < 6) throw new Error(`only ${place} free fields found in ${path}`);
// The text is what this one is about: few draws are enough.
fs.writeFileSync(path, plan.replace(/^permutations *=.*$/m, "permutations = 1000"));
