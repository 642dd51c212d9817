/**
 * Widths and line breaks of the help text, for yargs. What yargs brings for that knows every emoji, and
 * compiling its tables takes longer than all else of a start; our help is ASCII.
 */

/** Columns that `text` takes. */
export function stringWidth(text) {
  return text.length;
}

/** ASCII help has no colours to take off. */
export function stripAnsi(text) {
  return text;
}

/** Breaks each line of `text` at spaces so that it fits into `columns`; a longer word stands alone. */
export function wrapAnsi(text, columns) {
  return text
    .split("\n")
    .map((line) => wrapLine(line, columns))
    .join("\n");
}

function wrapLine(line, columns) {
  const rows = [""];
  for (const word of line.split(" ")) {
    const row = rows.at(-1);
    if (row === "") rows[rows.length - 1] = word;
    else if (row.length + 1 + word.length <= columns) rows[rows.length - 1] = `${row} ${word}`;
    else rows.push(word);
  }
  return rows.join("\n");
}
