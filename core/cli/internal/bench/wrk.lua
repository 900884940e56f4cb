-- What wrk asks: the paths of a file, one a line, each thread from a place of its own; without a file, the address as it is.
-- The last line that it prints is for wrk.go.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  if not args[1] then return end
  local requests = {}
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
  local n = math.floor(number * #requests / 2)
  request = function()
    n = n % #requests + 1
    return requests[n]
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("bench %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.status + e.connect + e.read + e.write + e.timeout))
end
