-- Jeton before an API: what jeton.conf calls of Lua. It needs Debian's lua-socket.
--
-- mod_lua answers 500 where a function here fails, and passes on what it declines; so whatever Jeton hasn't let in is answered here.

require "apache2"
local socket = require "socket"

-- What Jeton hears of a client's own header fields. By Origin and Sec-Fetch-Site it knows whether the browser of someone who is
-- logged in calls for a page of another origin; by Accept, in which form a refusal is to be.
local asked = { "Authorization", "Cookie", "Origin", "Sec-Fetch-Site", "Accept" }

-- What the API hears of Jeton.
local identity = {
	"Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups",
	"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username",
	"X-Jeton-User-Id", "X-Jeton-Credential-Kind", "X-Jeton-Credential-Id", "X-Jeton-Service",
}

-- What a refused caller hears of Jeton, beside the type of the body. All else is for the API.
local told = {
	"WWW-Authenticate", "Cache-Control", "X-Content-Type-Options", "X-Request-Id", "Retry-After", "RateLimit-Policy", "RateLimit",
}

-- The statuses of Jeton's. Any other answer is none of its own.
local refusals = { [400] = true, [401] = true, [403] = true, [429] = true, [503] = true }

-- What no client says to the API: whose a call is, where it came from, and which it is, by these names and by those that begin so;
-- credentials, which nobody else need be trusted with; and another protocol than Jeton has judged.
local stripped = {}
for _, name in ipairs({
	"proxy", "forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "x-host", "x-url-scheme", "x-method-override",
	"authorization", "proxy-authorization", "cookie",
	"connection", "upgrade", "http2-settings", "proxy-connection", "keep-alive", "trailer",
}) do
	stripped[name] = true
end
local families = {
	"remote-", "x-jeton-", "x-auth-request-", "x-remote-", "x-webauth-", "x-authenticated-", "x-forwarded-", "x-original-",
	"x-envoy-original-", "x-rewrite-", "x-override-", "x-http-",
}

-- What Jeton itself gets of a call that is its own to answer.
local kept = {}
for _, name in ipairs({
	"host", "authorization", "content-type", "content-encoding", "content-length", "transfer-encoding", "expect", "accept",
	"user-agent", "origin", "sec-fetch-site",
}) do
	kept[name] = true
end

-- How long one node may take to be reached, how long to answer, and how long all may take together: seconds.
local reach, think, whole = 0.25, 1.2, 2.0

-- A call that waits for Jeton holds a thread of Apache's, and others may wait for that thread. So the threads of a process tell each
-- other of a node that has let one of them wait in vain. As long as it has answered none since, and for so many seconds at most, the
-- others ask it as well, but wait less: a check takes milliseconds.
local hasty, remembered = 0.1, 3

-- The connection that is open to a node, by its address, and the node that answered last. Each thread of Apache's has its own.
local open, favourite = {}, 1

-- strip takes out of a request's head what must not go further.
local function strip(r)
	for name in pairs(r:headers_in_table()) do
		local lower = name:lower()
		-- CGI, WSGI and others read Remote_User as Remote-User. No name that an API needs holds another mark than a hyphen.
		local out = stripped[lower] or lower:find("[^0-9a-z-]")
		for _, family in ipairs(families) do
			out = out or lower:sub(1, #family) == family
		end
		if out then
			r.headers_in[name] = nil
		end
	end
end

-- persistence returns what is left of a client's Connection: all else in it names fields that go no further, and mod_proxy would
-- drop those that Jeton has set.
local function persistence(r)
	local said = ("," .. (r.headers_in["Connection"] or ""):lower():gsub("%s", "") .. ",")
	return said:find(",close,", 1, true) and "close" or said:find(",keep-alive,", 1, true) and "keep-alive" or nil
end

-- target is the path and the query as they came. Of a whole address, which a client may send, they are the rest.
local function target(r)
	local rest, cut = r.unparsed_uri:gsub("^%a[%w+.-]*://[^/?#]*", "", 1)
	return rest, cut == 1
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

-- fields writes a header field. Apache has joined those of one name, and two credentials must reach Jeton as two.
local function fields(name, value)
	if name == "Authorization" then
		value = value:gsub(", *([%w-]+ +[^%s=])", "\r\nAuthorization: %1")
	end
	return name .. ": " .. value .. "\r\n"
end

local function question(r)
	local lines = {
		"GET /forward-auth HTTP/1.1\r\nHost: jeton\r\n",
		fields("X-Forwarded-Method", r.method),
		fields("X-Forwarded-Host", r.subprocess_env["jeton_host"] or ""), -- none, where it was forgotten: Jeton refuses the call
		fields("X-Forwarded-Uri", (target(r))),
		fields("X-Real-IP", r.useragent_ip),
	}
	if r.subprocess_env["jeton_peer_secret"] then
		lines[#lines + 1] = fields("X-Jeton-Peer-Secret", r.subprocess_env["jeton_peer_secret"])
	end
	for _, name in ipairs(asked) do
		local value = r.headers_in[name]
		if value then
			lines[#lines + 1] = fields(name, value)
		end
	end
	return table.concat(lines) .. "\r\n"
end

-- receive waits for a line, or for so many bytes, until the time is over.
local function receive(connection, what, over)
	local left = over - socket.gettime()
	if left <= 0 then
		return nil, "timeout"
	end
	connection:settimeout(left, "t")
	return connection:receive(what)
end

-- read reads an answer. What it doesn't understand is none.
local function read(connection, over)
	local line, err = receive(connection, "*l", over)
	local answer = { status = tonumber((line or ""):match("^HTTP/1%.1 (%d%d%d) ")), headers = {} }
	if not answer.status then
		return nil, err
	end
	repeat
		line, err = receive(connection, "*l", over)
		local name, value = (line or ""):match("^([^:]+):%s*(.-)%s*$")
		if name then
			answer.headers[name:lower()] = value
		end
	until not line or line == ""
	local length = tonumber(answer.headers["content-length"] or "")
	if line and length then
		answer.body = length == 0 and "" or receive(connection, length, over)
	end
	return answer.body and answer
end

-- kept_open returns the connection that is open to a node, or false. One that has been closed meanwhile is none, nor is one in which
-- there is something already: whatever that is, it is no answer to what is going to be asked.
local function kept_open(node)
	local connection = open[node]
	open[node] = nil
	if connection then
		connection:settimeout(0)
		local _, err = connection:receive(1)
		if err == "timeout" then
			connection:settimeout(nil) -- there is a bound on the whole of an answer
			return connection
		end
		connection:close()
	end
	return false
end

-- ask puts a question to one node, on the connection that is open, or on a new one where that has been closed meanwhile.
local function ask(node, text, over)
	for _, connection in ipairs({ kept_open(node), false }) do
		local used = connection
		if not connection then
			connection = socket.tcp()
			connection:settimeout(math.min(reach, over - socket.gettime()), "t")
			local host, port = node:match("^%[?(.-)%]?:(%d+)$")
			if not connection:connect(host or node, port or 80) then
				connection:close()
				return nil
			end
			connection:setoption("tcp-nodelay", true)
		end
		connection:settimeout(math.max(0, over - socket.gettime()), "t")
		local answer, err = connection:send(text)
		if answer then
			answer, err = read(connection, over)
		end
		if answer and answer.headers["connection"] ~= "close" then
			open[node] = connection
		else
			connection:close()
		end
		if answer or not used or err ~= "closed" then
			return answer
		end
	end
end

-- patience returns how long to wait for a node.
local function patience(r, node, now)
	return now < (r:ivm_get("jeton silent " .. node) or 0) + remembered and hasty or think
end

-- note tells the other threads of the process how a node was found that was asked some time ago. Of one that is down each learns at
-- once by itself.
local function note(r, node, answer, asked_at)
	local key, now = "jeton silent " .. node, socket.gettime()
	if not answer and now - asked_at >= hasty then
		r:ivm_set(key, now)
	elseif answer and (r:ivm_get(key) or 0) > 0 then
		r:ivm_set(key, 0)
	end
end

-- answer_to asks the nodes in turn, until one can decide.
local function answer_to(r)
	local nodes, text, over, last = {}, question(r), socket.gettime() + whole, nil
	for node in (r.subprocess_env["jeton_gateway"] or ""):gmatch("%S+") do
		nodes[#nodes + 1] = node
	end
	for _ = 1, #nodes do
		local now = socket.gettime()
		if now >= over then
			break
		end
		favourite = (favourite - 1) % #nodes + 1
		local answer = ask(nodes[favourite], text, math.min(now + patience(r, nodes[favourite], now), over))
		note(r, nodes[favourite], answer, now)
		last = answer or last
		if answer and answer.status ~= 503 then
			break
		end
		favourite = favourite + 1
	end
	return last
end

-- say answers a caller.
local function say(r, status, headers, kind, body)
	r.status = status
	for name, value in pairs(headers) do
		r.err_headers_out[name] = value
	end
	r.content_type = kind
	r:write(body)
	return apache2.OK
end

-- silent answers where Jeton did not. The words are those of /v1.
local function silent(r)
	local headers = { ["Cache-Control"] = "no-store", ["X-Content-Type-Options"] = "nosniff", ["Retry-After"] = "1" }
	local accept = r.headers_in["Accept"] or ""
	if accept:find("text/plain", 1, true) and not accept:find("json", 1, true) then
		return say(r, 503, headers, "text/plain; charset=utf-8",
			"Jeton can't answer just now. Wait as long as Retry-After says, then try again.\n")
	end
	return say(r, 503, headers, "application/problem+json",
		'{"type":"about:blank","title":"Jeton can\'t answer just now","status":503,"code":"unavailable",'
			.. '"fix":"Wait as long as Retry-After says, then try again.","instance":""}\n')
end

-- refuse answers as Jeton does, word for word.
local function refuse(r, answer)
	local headers = {}
	for _, name in ipairs(told) do
		headers[name] = answer.headers[name:lower()]
	end
	return say(r, answer.status, headers, answer.headers["content-type"] or "", answer.body)
end

-- pass has the call go on to the API, as Jeton has judged it.
local function pass(r, answer)
	local host, lasting = r.subprocess_env["jeton_host"], persistence(r)
	strip(r)
	if (r.subprocess_env["jeton_profiles"] or ""):find("bitcanuck", 1, true) then
		r.headers_in["Token"] = nil -- an assertion: wherever else than for a log-in it comes, the API doesn't get it
	end
	r.headers_in["Connection"] = lasting
	r.headers_in["Host"] = host
	for _, name in ipairs(identity) do
		local value = answer.headers[name:lower()]
		r.headers_in[name] = value ~= "" and value or nil -- where Jeton has nothing to tell, there is no header either
	end
	r.headers_in["X-Real-IP"] = r.useragent_ip
	r.headers_in["X-Forwarded-For"] = r.useragent_ip
	r.headers_in["X-Forwarded-Proto"] = r.is_https and "https" or "http"
	r.headers_in["X-Forwarded-Host"] = host
	r.headers_in["X-Forwarded-Port"] = tostring(r.port)
	r.subprocess_env["jeton_user"] = answer.headers["remote-user"]
	r.subprocess_env["jeton_status"] = "200"
	return apache2.DECLINED
end

-- The calls of other products' clients that are for Jeton itself. They know one base URL, that of the API. Each function returns what
-- Jeton gets, or nil; any other spelling of the paths goes where all calls go.
local own = {}

-- Matrix42's: the one path where they exchange an API token for an access token.
function own.matrix42(_, path)
	local one = "/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken"
	return path:lower():gsub("/$", "") == one:lower() and one or nil
end

-- BitCanuck's: where they log in, by e-mail and password or by a platform's assertion, and out.
function own.bitcanuck(_, path)
	path = path:gsub("/$", "")
	local known = path == "/api/v1/authenticate" or path == "/api/v1/logout" or path:find("^/api/v1/authenticate%-jwt/[0-9A-Za-z-]+$")
	return known and path or nil
end

-- XDOC's: calls of App.ApiTest at /XDocApi/, by which they try a token, and browsers that come to /XDocUi/ with a token. A form isn't
-- looked into: where nothing else says who calls, Jeton does that.
function own.xdoc(r, path, query)
	local place = path:match("^(/XDoc%u%l+/?)$")
	local token = ("&" .. query:lower()):find("&x[su]t=[^&]")
	local test = ("&" .. query .. "&"):find("&[Xx][Mm]=App%.ApiTest&")
	local cookie = ("; " .. (r.headers_in["Cookie"] or "")):find("[;,] *jeton_api=[^;]")
	local form = r.method == "POST" and (r.headers_in["Authorization"] or "") == "" and not cookie and not token
	if place and (place:find("^/XDocApi/?$") and (test or form) or place:find("^/XDocUi/?$") and (token or form)) then
		return place:gsub("/$", "") .. "/?" .. query
	end
end

-- is_own returns which product's call it is that is Jeton's own to answer, and what Jeton gets of it. The virtual host says whose
-- clients call there.
local function is_own(r, path, query)
	for profile in (r.subprocess_env["jeton_profiles"] or ""):gmatch("%w+") do
		if own[profile] then
			local to = own[profile](r, path, query)
			if to then
				return profile, to
			end
		end
	end
end

-- hand_over has the call go on to Jeton itself, with the header fields that it needs.
local function hand_over(r, profile, to)
	local lasting, assertion = persistence(r), profile == "bitcanuck" and r.headers_in["Token"] or nil
	for name in pairs(r:headers_in_table()) do
		if not kept[name:lower()] then
			r.headers_in[name] = nil
		end
	end
	r.headers_in["Token"] = assertion
	r.headers_in["Connection"] = lasting
	r.headers_in["Host"] = r.subprocess_env["jeton_host"]
	r.headers_in["X-Real-IP"] = r.useragent_ip
	r.headers_in["X-Jeton-Peer-Secret"] = r.subprocess_env["jeton_peer_secret"]
	r.subprocess_env["jeton_own"] = to
	r.subprocess_env["jeton_status"] = "200"
	return apache2.DECLINED
end

-- judge is asked before anything else of Apache's looks at a request, about each. See jeton.conf.
function judge(r)
	if r.subprocess_env["REDIRECT_jeton_own"] then -- Apache's own request for what to say where Jeton did not answer such a call
		return silent(r)
	end
	local rest, absolute = target(r)
	local path, query = rest:match("^([^?]*)%??(.*)$")
	r.subprocess_env["jeton_path"] = without_tokens(path)
	local profile, to = is_own(r, path, query)
	if profile then
		return hand_over(r, profile, to)
	end
	local known, answer = pcall(answer_to, r)
	local status = known and answer and answer.headers["x-jeton-status"] == tostring(answer.status) and answer.status
	if status == 200 and answer.body == "" and not (absolute and path:find("[^%w/._~!$&'()*+,=:@-]")) then
		return pass(r, answer)
	elseif status == 200 and answer.body == "" then -- of a whole address, mod_proxy passes on another spelling of such a path than it got
		return say(r, 400, { ["Cache-Control"] = "no-store" }, "text/plain; charset=utf-8", "Send the path alone.\n")
	elseif refusals[status] then
		return refuse(r, answer)
	end
	return silent(r)
end

-- route has mod_proxy send on what hand_over has prepared.
function route(r)
	local to = r.subprocess_env["jeton_own"]
	if not to then
		return apache2.DECLINED
	end
	r.handler = "proxy-server"
	r.proxyreq = apache2.PROXYREQ_REVERSE
	r.notes["proxy-nocanon"] = "1" -- as it stands here, with its query, if it has one
	r.filename = "proxy:" .. r.subprocess_env["jeton_public"] .. to
	return apache2.OK
end
