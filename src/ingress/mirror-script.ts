/**
 * What HAProxy runs, in its Lua, to send a copy of a request to another place: HAProxy has no word for it of its own. The copy goes out beside the request, which does not wait for it; its answer is
 * thrown away. A request whose body does not fit into HAProxy's buffer (16 KiB) is not copied.
 */
export const MIRROR_SCRIPT = `-- Written by wherry; changes are lost.
local LEFT_OUT = { connection = true, ["content-length"] = true, ["transfer-encoding"] = true, expect = true, upgrade = true, ["keep-alive"] = true }

core.register_action("wherry-mirror", { "http-req" }, function(txn, address, port)
  local body = txn.f:req_body() or ""
  if tonumber(txn.f:req_body_size() or 0) > #body then return end
  local lines = { txn.f:method() .. " " .. txn.f:pathq() .. " HTTP/1.1" }
  for name, values in pairs(txn.http:req_get_headers()) do
    if not LEFT_OUT[name] then
      for _, value in pairs(values) do lines[#lines + 1] = name .. ": " .. value end
    end
  end
  lines[#lines + 1] = "content-length: " .. #body
  lines[#lines + 1] = "connection: close"
  local request = table.concat(lines, "\\r\\n") .. "\\r\\n\\r\\n" .. body
  core.register_task(function()
    local socket = core.tcp()
    socket:settimeout(10)
    if socket:connect(address, tonumber(port)) then
      socket:send(request)
      repeat local line = socket:receive("*l") until not line
    end
    socket:close()
  end)
end, 2)
`;
