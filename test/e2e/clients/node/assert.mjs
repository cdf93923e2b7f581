// Logs in a user of a platform, by an assertion that jsonwebtoken signs.
import { readFileSync } from "node:fs";
import jwt from "jsonwebtoken";

const { API_URL, EMAIL, KEY_FILE, PLATFORM } = process.env;

const assertion = jwt.sign({ email: EMAIL, expire: Math.floor(Date.now() / 1000) + 300 }, readFileSync(KEY_FILE), { algorithm: "RS512" });
const answer = await fetch(`${API_URL}/api/v1/authenticate-jwt/${PLATFORM}`, { method: "POST", headers: { Token: assertion } });
if (!answer.ok) throw new Error(`got ${answer.status}`);
console.log(await answer.text());
