// Streams tokens through a client generated from inference.proto and prints them as JSON.
// Usage: node generate.mjs PROTO_FOLDER HOST:PORT JSON_REQUEST
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [protoFolder, address, requestJson] = process.argv.slice(2);
const definition = loader.loadSync("inference.proto", { includeDirs: [protoFolder], keepCase: true, longs: String, oneofs: true, enums: String });
const { megainfer } = grpc.loadPackageDefinition(definition);
const client = new megainfer.v1.Inference(address, grpc.credentials.createInsecure());

const call = client.Generate(JSON.parse(requestJson), { deadline: Date.now() + 60_000 });
const ids = [];
const logProbs = [];
let started = null;
let finished = null;
call.on("data", (response) => {
  if (response.started) started = response.started;
  if (response.tokens) {
    for (const token of response.tokens.tokens) {
      ids.push(token.id);
      logProbs.push(token.log_prob);
    }
  }
  if (response.finished) finished = response.finished;
});
call.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
call.on("end", () => {
  console.log(JSON.stringify({ ids, logProbs, started, finished }));
  client.close();
});
