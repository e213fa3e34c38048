-- Neovim's own client opens a Dockerfile, waits for findings, applies the preferred quick fix, then the reorder action to a
-- second file, and writes what it saw and what its buffers hold to TEST_RESULT.
local result = {}

local function fail(message)
  vim.fn.writefile({ vim.fn.json_encode({ error = message }) }, vim.env.TEST_RESULT)
  vim.cmd("cquit!")
end

local function wait(what, condition)
  if not vim.wait(60000, condition, 20) then
    fail("no " .. what)
  end
end

local function text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n") .. "\n"
end

local client = vim.lsp.start_client({
  name = "layerwise",
  cmd = { vim.env.TEST_SERVER, "lsp" },
  root_dir = vim.fn.getcwd(),
})

local function open(path)
  vim.cmd("edit " .. path)
  local buffer = vim.api.nvim_get_current_buf()
  vim.lsp.buf_attach_client(buffer, client)
  wait("findings in " .. path, function()
    return #vim.diagnostic.get(buffer) > 0
  end)
  return buffer
end

local chosen
vim.ui.select = function(items, _, on_choice)
  for _, item in ipairs(items) do
    if chosen(item[2]) then
      return on_choice(item)
    end
  end
  fail("no such action among " .. vim.inspect(items))
end

local function apply(buffer, choice)
  chosen = choice
  local before = vim.api.nvim_buf_get_changedtick(buffer)
  vim.lsp.buf.code_action()
  wait("change", function()
    return vim.api.nvim_buf_get_changedtick(buffer) ~= before
  end)
end

local buffer = open("Dockerfile")
result.findings = vim.tbl_map(function(found)
  return { found.lnum, found.code }
end, vim.diagnostic.get(buffer))
vim.api.nvim_win_set_cursor(0, { 3, 0 })
apply(buffer, function(action)
  return action.kind == "quickfix" and action.isPreferred
end)
result.fixed = text(buffer)

buffer = open("other/Dockerfile")
apply(buffer, function(action)
  return action.kind == "refactor.rewrite"
end)
result.reordered = text(buffer)
result.ignore = text(vim.fn.bufadd(vim.fn.fnamemodify("other/.dockerignore", ":p")))

vim.fn.writefile({ vim.fn.json_encode(result) }, vim.env.TEST_RESULT)
vim.lsp.stop_client(client)
vim.cmd("qall!")
