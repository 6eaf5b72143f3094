#!/usr/bin/env bash
# The same job as one person would script it, to measure the project against.
#
#   MAIN=/path/to/main/checkout script.sh add NAME | remove NAME | list
#
# Branches, worktrees and tmux sessions are called script-NAME and the rows go to
# .script-sessions, so the project's own sessions can stand in the same repository.
# No checks, no locks, no undo: what breaks half way stays half way.
set -euo pipefail

main=${MAIN:?must name the main checkout}
rows=$main/.script-sessions
claude=$HOME/.claude.json
name=${2:-}
label=script-$name
tree=${main%/*}/$label

edit() { # FILE, then what jq takes
    local file=$1
    shift
    jq "$@" "$file" >"$file.new"
    mv "$file.new" "$file"
}

choose_ports() {
    [ -f "$rows" ] || echo '{}' >"$rows"
    read -r backend frontend < <(jq -r '
        def unused($key; $first):
            [.[][$key]] as $taken | $first | until(IN($taken[]) | not; . + 1);
        "\(unused("backend_port"; 8500)) \(unused("frontend_port"; 5500))"' "$rows")
}

fill_tree() {
    ln -s "$main/frontend/node_modules" "$tree/frontend/node_modules"
    cp "$main/backend/db.sqlite3" "$main/backend/.env" "$tree/backend/"
    sed "s,^VITE_API_URL=.*,VITE_API_URL=http://localhost:$backend," \
        "$main/frontend/.env" >"$tree/frontend/.env"
}

record() {
    edit "$rows" --arg name "$name" --arg tree "$tree" --arg branch "$label" \
        --argjson backend "$backend" --argjson frontend "$frontend" \
        '.[$name] = {backend_port: $backend, frontend_port: $frontend,
                     worktree: $tree, branch: $branch}'
    edit "$claude" --arg from "$main" --arg to "$tree" \
        '.projects[$to].allowedTools = (.projects[$from].allowedTools // [])'
}

keys() { # WINDOW DIRECTORY [COMMAND]
    tmux send-keys -t "=$label:$1" "workon tally && cd $2${3:+ && $3}" Enter
}

open_windows() {
    tmux new-session -d -s "$label" -n "backend:$backend" -c "$tree"
    for window in "frontend:$frontend" claude shell cli; do
        tmux new-window -d -t "=$label:" -n "$window" -c "$tree"
    done
    # Windows by number: a colon in a window's name does not survive -t.
    read -r first < <(tmux list-windows -t "=$label" -F '#{window_index}')
    keys "$first" "$tree/backend" "python manage.py runserver $backend"
    keys "$((first + 1))" "$tree/frontend" "npm run dev -- --port $frontend"
    keys "$((first + 2))" "$tree" "claude"
    keys "$((first + 3))" "$tree"
    tmux send-keys -t "=$label:$((first + 4))" "workon tally && cd $tree && "
}

add() {
    git -C "$main" worktree add --quiet -b "$label" "$tree"
    choose_ports
    fill_tree
    record
    open_windows
}

remove() {
    tmux kill-session -t "=$label" || true
    git -C "$main" worktree remove --force "$tree"
    git -C "$main" branch --quiet -D "$label"
    edit "$rows" --arg name "$name" 'del(.[$name])'
    edit "$claude" --arg tree "$tree" 'del(.projects[$tree])'
}

list() {
    jq -r --arg open "$(tmux list-sessions -F '#S' 2>/dev/null)" '
        ($open | split("\n")) as $open | to_entries[]
        | [.key, .value.backend_port, .value.frontend_port, .value.worktree,
           if ("script-" + .key | IN($open[])) then "running" else "stopped" end]
        | @tsv' "$rows"
}

case ${1:-} in
    add | remove) : "${name:?a name is needed}" && "$1" ;;
    list) list ;;
    *) echo "usage: ${0##*/} add NAME | remove NAME | list" >&2 && exit 2 ;;
esac
