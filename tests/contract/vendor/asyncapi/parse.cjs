// node parse.cjs FILE: what the official parser has to say of an AsyncAPI document; exit code 1 for errors.
const { Parser } = require("@asyncapi/parser");
const { readFileSync } = require("node:fs");

new Parser().parse(readFileSync(process.argv[2], "utf-8")).then(({ document, diagnostics }) => {
  for (const { severity, code, message, path } of diagnostics) console.log(severity, code, message, path.join("/"));
  const errors = diagnostics.filter(({ severity }) => severity === 0).length;
  console.log(`${errors} errors, ${diagnostics.length} diagnostics`);
  if (document) console.log(`${document.channels().length} channels, ${document.allMessages().length} messages`);
  process.exit(errors || !document ? 1 : 0);
});
