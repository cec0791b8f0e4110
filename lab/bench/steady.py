"""Load at a steady rate by wrk: requests leave by the clock, whatever comes back.

wrk alone sends the next request when an answer came. Its `delay` and a clock make it wait until
the next is due. Each names itself in `X-Request-Id`, which a server that trusts this machine gives
back, so latency is told from when a request was due, and a slow answer is measured as slow.
"""

import subprocess
from pathlib import Path

from lab.bench import load
from lab.bench.open_loop import Latency

LAST_SECONDS = 3  # for answers to what was sent at the end

_SCRIPT = """
local ffi = require("ffi")
ffi.cdef[[
  typedef struct { long s; long ns; } moment;
  int clock_gettime(int clock, moment *now);
]]
local moment = ffi.new("moment")
local function now()  -- in milliseconds
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.s) * 1e3 + tonumber(moment.ns) / 1e6
end
local line, read = request, init
local step, begin, stop, scheduled
local due, first, sent = {}, 1, 0
latencies, unanswered, bad = {}, 0, 0
local everybody = {}
local set_up = setup
function setup(thread) set_up(thread); everybody[#everybody + 1] = thread end
function init(args)
  read(args)
  step, stop, scheduled = 1e3 / args[4], tonumber(args[5]) * 1e3, 0
end
function delay()
  local at = now()
  begin = begin or at
  local next = begin + scheduled * step
  if next >= begin + stop then return 1e6 end  -- no more
  scheduled = scheduled + 1
  due[#due + 1] = next
  return math.max(0, next - at)
end
local at_of = {}
function request()
  if not begin then return line() end  -- wrk looks at one before it begins
  sent = sent + 1
  local name = string.format("steady-%d-%d", number, sent)
  at_of[name] = due[first] or now()
  due[first] = nil
  first = first + 1
  unanswered = unanswered + 1
  return (line():gsub("\\r\\n", "\\r\\nX-Request-Id: " .. name .. "\\r\\n", 1))
end
function response(status, headers, body)
  local name = headers["x-request-id"] or headers["X-Request-Id"]
  latencies[#latencies + 1] = now() - at_of[name]
  at_of[name] = nil
  unanswered = unanswered - 1
  if status >= 400 then bad = bad + 1 end
end
function done(summary, latency, requests)
  local all, errors = {}, 0
  for _, thread in ipairs(everybody) do
    for _, each in ipairs(thread:get("latencies")) do all[#all + 1] = each end
    errors = errors + thread:get("unanswered") + thread:get("bad")
  end
  table.sort(all)
  local function cut(share) return all[math.max(1, math.ceil(#all * share))] end
  local told = {"steady", cut(0.5), cut(0.95), cut(0.99), #all, errors}
  io.write(table.concat(told, " ") .. "\\n")
end
"""


def steady(
    port: int, requests: Path, rate_per_second: float, seconds: float, start_at: int
) -> Latency:
    """Sends requests of the file (`load.write_requests`) at the rate, from number `start_at` on."""
    script = requests.with_suffix(".steady.lua")
    script.write_text(load.WRK_SCRIPT + _SCRIPT)
    command = ["wrk", f"-t{load.THREADS}", f"-c{load.CONNECTIONS}", "--timeout", "10s"]
    command += [f"-d{seconds + LAST_SECONDS:.0f}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    command += ["--", str(requests), str(load.THREADS), str(start_at)]
    command += [str(rate_per_second / load.THREADS), str(seconds)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told = [line.split()[1:] for line in out.splitlines() if line.startswith("steady ")]
    if len(told) != 1:
        raise RuntimeError(f"wrk said something else: {out}")
    p50, p95, p99 = (round(float(cut), 1) for cut in told[0][:3])
    answered, errors = map(int, told[0][3:])
    return Latency(p50, p95, p99, answered, errors)
