-- Jeton before an API, second half: what jeton.cfg calls of Lua, which HAProxy has built in.
--
-- A call passes where this script has said so in txn.jeton_status; jeton.cfg refuses all others. So a fault in here, which HAProxy
-- takes for an action that did nothing, lets nobody in.

-- What Jeton hears of a client's own header fields. By Origin and Sec-Fetch-Site it knows whether the browser of someone who is
-- logged in calls for a page of another origin; by Accept, in which form a refusal is to be.
local asked = { "authorization", "cookie", "origin", "sec-fetch-site", "accept" }

-- What the API hears of Jeton.
local identity = {
	"remote-user", "remote-name", "remote-email", "remote-groups",
	"x-auth-request-user", "x-auth-request-email", "x-auth-request-groups", "x-auth-request-preferred-username",
	"x-jeton-user-id", "x-jeton-credential-kind", "x-jeton-credential-id", "x-jeton-service",
}

-- What a refused caller hears of Jeton. All else is for the API, or is HAProxy's own.
local told = {
	"content-type", "www-authenticate", "cache-control", "x-content-type-options", "x-request-id",
	"retry-after", "ratelimit-policy", "ratelimit",
}

-- The statuses of Jeton's. Any other answer is none of its own.
local refusals = { [400] = true, [401] = true, [403] = true, [429] = true, [503] = true }

-- every returns all values of a field, as HAProxy has them: in a table that begins with 0. Two credentials must reach Jeton as two.
local function every(field)
	local all = {}
	for i = 0, #field do
		all[#all + 1] = field[i]
	end
	return all
end

-- first returns a field's first value, or nil.
local function first(headers, name)
	return headers and headers[name] and headers[name][0]
end

-- target is what the API will get: jeton.cfg has the call passed on with the same bytes. HAProxy knows no path in "*", and none in
-- an address without one, which is for Jeton to refuse.
local function target(txn)
	return txn.f:pathq() or (txn.f:url() == "*" and "*" or "?")
end

-- without_tokens cuts a path where something begins that has the form of a token, opaque or signed, or the name of a sealed one: the
-- access log has it.
local function without_tokens(path)
	local lower, cut = path:lower(), #path + 1
	for pattern, text in pairs({
		["jt%l" .. ("%w"):rep(37)] = path,
		["eyJ" .. ("[-_.%w]"):rep(37)] = path,
		["x[su]t="] = lower,
		["x[su]t%%[25]*3d"] = lower,
	}) do
		cut = math.min(cut, text:find(pattern) or cut)
	end
	return path:sub(1, cut - 1) .. (cut <= #path and "[secret]" or "")
end

local function note_path(txn)
	txn:set_var("txn.jeton_path", without_tokens(txn.f:path() or txn.f:url() or ""))
end

-- silent is the answer where Jeton gave none. The words are those of /v1.
local function silent(txn, accept)
	local reply = txn:reply({ status = 503, reason = "Service Unavailable" })
	if accept and accept:find("text/plain", 1, true) and not accept:find("json", 1, true) then
		reply:add_header("Content-Type", "text/plain; charset=utf-8")
		reply:set_body("Jeton can't answer just now. Wait as long as Retry-After says, then try again.\n")
	else
		reply:add_header("Content-Type", "application/problem+json")
		reply:set_body('{"type":"about:blank","title":"Jeton can\'t answer just now","status":503,"code":"unavailable",'
			.. '"fix":"Wait as long as Retry-After says, then try again.","instance":""}\n')
	end
	reply:add_header("Cache-Control", "no-store")
	reply:add_header("X-Content-Type-Options", "nosniff")
	reply:add_header("Retry-After", "1")
	return reply
end

-- refusal is the answer of Jeton's, word for word.
local function refusal(txn, answer)
	local reply = txn:reply({ status = answer.status, body = answer.body })
	for _, name in ipairs(told) do
		local value = first(answer.headers, name)
		if value then
			reply:add_header(name, value)
		end
	end
	return reply
end

-- ask asks Jeton about a call, by way of jeton.cfg's frontend jeton_ask: HAProxy's client for Lua has no bound on the time that it
-- takes to connect, and none on the whole of an answer.
local function ask(txn, headers)
	local question = {
		["x-forwarded-method"] = { txn.f:method() },
		["x-forwarded-host"] = { txn:get_var("txn.jeton_host") }, -- none, where it was forgotten: Jeton refuses the call
		["x-forwarded-uri"] = { target(txn) },
		["x-real-ip"] = { txn.f:src() },
	}
	for _, name in ipairs(asked) do
		if headers[name] then
			question[name] = every(headers[name])
		end
	end
	return core.httpclient():get({ url = "http://jeton/forward-auth", headers = question, dst = "127.0.0.1:8012", timeout = 2800 })
end

-- tell tells the API whose a call is, and returns whether it gets all of that: HAProxy says nothing where a head has no room for a
-- field, and a client could fill its own so that the API hears of its name and not of its roles, or of nobody.
local function tell(txn, answer)
	for _, name in ipairs(identity) do
		local value = first(answer.headers, name)
		if value and value ~= "" then -- where Jeton has nothing to tell, there is no header either
			txn.http:req_set_header(name, value)
		end
	end
	local headers = txn.http:req_get_headers()
	for _, name in ipairs(identity) do
		if (first(headers, name) or "") ~= (first(answer.headers, name) or "") then
			return false
		end
	end
	return true
end

-- too_long answers a caller whose header fields leave no room for Jeton's.
local function too_long(txn)
	local reply = txn:reply({ status = 431, reason = "Request Header Fields Too Large", body = "Send shorter header fields.\n" })
	reply:add_header("Content-Type", "text/plain; charset=utf-8")
	reply:add_header("Cache-Control", "no-store")
	reply:add_header("X-Content-Type-Options", "nosniff")
	return reply
end

local function judge(txn)
	note_path(txn)
	local headers = txn.http:req_get_headers()
	local answer = ask(txn, headers)
	local status = first(answer.headers, "x-jeton-status")
	if answer.status == 200 and status == "200" and first(answer.headers, "content-length") == "0" then
		if not tell(txn, answer) then
			txn:done(too_long(txn))
		end
		txn:set_var("txn.jeton_user", first(answer.headers, "remote-user") or "")
		txn:set_var("txn.jeton_status", 200)
	elseif refusals[answer.status] and status == tostring(answer.status) then
		txn:done(refusal(txn, answer))
	else
		txn:done(silent(txn, first(headers, "accept")))
	end
end

core.register_action("jeton", { "http-req" }, judge)
core.register_action("jeton_path", { "http-req" }, note_path)

-- Fields behind a chunked body. HAProxy 2.6 passes them on and can't drop them, and there are servers that take them for header
-- fields: a client could say there who it is. So a call that has any is refused. The last of its body is then still here, and the
-- API has got no whole request.
--
-- They come behind bodies whose length nobody has said, by HTTP/2 without any header field that would tell: behind others HAProxy
-- drops them by itself. HAProxy counts them among what is left of the body, with one byte for its end, and leaves them out of the text of the body.
local Trailers = { id = "jeton trailers", flags = filter.FLT_CFG_FL_HTX }
Trailers.__index = Trailers

function Trailers:new()
	return setmetatable({ found = false }, self)
end

-- start_analyze says that the filter is there: without it jeton.cfg lets nobody in.
function Trailers:start_analyze(txn, channel)
	if not channel:is_resp() then
		txn:set_var("txn.jeton_trailers", true)
	end
end

function Trailers:http_headers(_, message)
	if not message:is_resp() and not message:get_headers()["content-length"] then
		filter.register_data_filter(self, message.channel)
	end
end

function Trailers:http_payload(_, message)
	self.found = self.found or message:input() - #(message:body() or "") > 1
end

function Trailers:http_end()
	return self.found and filter.ERROR or filter.CONTINUE
end

core.register_filter("jeton_trailers", Trailers, function(made)
	return made
end)
