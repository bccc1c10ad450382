// Calls of the npm client kudu-api, unmodified: reads [{object, method, args}] from stdin, one line each, and
// answers each with one line {error, status, data}. The base URL is the client's own; the proxy brings it to the site.
"use strict";
const readline = require("readline");
const kudu = require("kudu-api")({
  website: process.env.WEBSITE,
  username: process.env.SITE_USER,
  password: process.env.SITE_PASSWORD,
});

// Some of its methods throw, out of reach of their caller, for an answer that is no JSON.
process.on("uncaughtException", (error) => console.log(JSON.stringify({ error: error.message, status: null, data: null })));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { object, method, args } = JSON.parse(line);
  const done = (error, data, response) => {
    const answer = response || (data && data.statusCode ? data : null);
    const status = answer ? answer.statusCode : null;
    const body = Buffer.isBuffer(data) ? data.toString() : data === answer ? null : data;
    console.log(JSON.stringify({ error: error ? error.message : null, status, data: body }));
  };
  kudu[object][method](...args, done);
});
