-- What wrk sends. The bench says so by the environment, where other users of the machine can't read it:
--
--   BENCH_HEAD, BENCH_TAIL  the request as bytes, before and behind the token
--   BENCH_TOKENS            the file of tokens, one a line; BENCH_WIDTH: how many bytes a line has, with its line break;
--                           BENCH_FIRST, BENCH_COUNT: which of its lines
--   BENCH_THREADS           how many threads of wrk share them, each taking every so manieth
--   BENCH_ORDER             fixed   always the first
--                           random  any, again and again
--                           once    each once, one after the other; when they run out, the thread stops and says so
--                           rotate  each once, and then the new ones that the answers bring
local threads = {}

function setup(thread)
  thread:set("id", #threads)
  table.insert(threads, thread)
end

function init()
  exhausted = 0
  local head, tail = os.getenv("BENCH_HEAD"), os.getenv("BENCH_TAIL")
  local order, step = os.getenv("BENCH_ORDER"), tonumber(os.getenv("BENCH_THREADS"))
  local width = tonumber(os.getenv("BENCH_WIDTH"))
  local first, count = tonumber(os.getenv("BENCH_FIRST")), tonumber(os.getenv("BENCH_COUNT"))
  local data = ""
  if count > 0 then
    local file = assert(io.open(os.getenv("BENCH_TOKENS"), "rb"))
    file:seek("set", first * width)
    data = assert(file:read(count * width))
    file:close()
  end

  local function at(n) return data:sub(n * width + 1, (n + 1) * width - 1) end

  if order == "fixed" then
    -- Without a function named request, wrk asks for the bytes once and sends them again and again.
    local text = head .. (count > 0 and at(0) or "") .. tail
    wrk.format = function() return text end
  elseif order == "random" then
    math.randomseed(tonumber(os.getenv("BENCH_SEED")) * 16 + id)
    request = function() return head .. at(math.random(0, count - 1)) .. tail end
  elseif order == "once" then
    local n = id - step
    request = function()
      n = n + step
      if n >= count then
        exhausted = 1
        wrk.thread:stop()
        return head .. at(0) .. tail
      end
      return head .. at(n) .. tail
    end
  elseif order == "rotate" then
    local queue, from, to = {}, 1, 0
    for n = id, count - 1, step do
      to = to + 1
      queue[to] = at(n)
    end
    request = function()
      local token = queue[from]
      if not token then -- more connections than tokens: an empty one will be refused, and the run with it
        exhausted = 1
        return head .. tail
      end
      queue[from] = nil
      from = from + 1
      return head .. token .. tail
    end
    response = function(status, headers, body)
      local token = body:match('"token"%s*:%s*"(%w+)"')
      if token then
        to = to + 1
        queue[to] = token
      end
    end
  else
    error("BENCH_ORDER is " .. tostring(order))
  end
end

-- One line for the bench to read: wrk's own is for people, and rounded.
function done(summary, latency, requests)
  local stopped = 0
  for _, thread in ipairs(threads) do
    stopped = stopped + thread:get("exhausted")
  end
  local e = summary.errors
  io.write(string.format("bench: requests=%d duration_us=%d refused=%d broken=%d p50_us=%d p99_us=%d exhausted=%d\n",
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), stopped))
end
