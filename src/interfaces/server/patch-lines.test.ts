import { expect, test } from 'vitest';
import { linesIn } from './patch-lines.ts';

const PATCH = `diff --git a/notes.md b/notes.md
index 1111111..2222222 100644
--- a/notes.md
+++ b/notes.md
@@ -1,3 +1,4 @@ a heading
 stays
--- a/looks like a head
+++ b/so does this
++one more
 stays
@@ -9 +10 @@
-nine
+ten
\\ No newline at end of file
diff --git a/gone.txt b/gone.txt
deleted file mode 100644
--- a/gone.txt
+++ /dev/null
@@ -1,2 +0,0 @@
-one
-two
diff --git a/with a space.txt b/with a space.txt
new file mode 100644
--- /dev/null
+++ b/with a space.txt\t
@@ -0,0 +1 @@
+new
diff --git a/picture.png b/picture.png
Binary files a/picture.png and b/picture.png differ
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
`;

test('lines of files are counted by the hunks they are in, whatever they look like', () => {
  expect([...linesIn(PATCH)]).toEqual([
    ['notes.md', { added: 3, removed: 2 }],
    ['gone.txt', { added: 0, removed: 2 }],
    ['with a space.txt', { added: 1, removed: 0 }],
  ]);
});

test('a patch that is cut off gives what it has', () => {
  expect(linesIn(PATCH.slice(0, PATCH.indexOf('++one more'))).get('notes.md')).toEqual({ added: 1, removed: 1 });
  expect(linesIn('').size).toBe(0);
});
