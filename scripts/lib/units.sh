# shellcheck shell=bash disable=SC2154
# Units and the nginx site: put in place, enabled by role, removed. Sourced by
# install_all_services.sh, whose variables and change it uses.
# (SC2154: variables of install_all_services.sh.)

all_units=(sightpost-agent.service websocket-sender.service websocket-server.service
    sightpost-prune.service sightpost-prune.timer)

units_of_roles() {
    [[ ",$roles," != *,server,* ]] || printf '%s\n' websocket-server.service sightpost-prune.timer
    [[ ",$roles," != *,agent,* ]] || echo sightpost-agent.service
    [[ ",$roles," != *,sender,* ]] || echo websocket-sender.service
}

systemctl_here() {
    if [[ -n "$root" ]]; then
        change systemctl --root="$root" --quiet "$@"
    else
        change systemctl --quiet "$@"
    fi
}

# Another program's unit of the same name (the older system has two) is not written over.
check_units() {
    local unit
    for unit in "${all_units[@]}"; do
        [[ ! -f "$units/$unit" ]] || is_our_unit "$units/$unit" ||
            fail "$units/$unit is another program's: if it is the older system's, use take_over.sh; else move it away"
    done
}

install_units() {
    local unit wanted
    change install -d -m 0755 "$units"
    for unit in "${all_units[@]}"; do
        change install -m 0644 "$code_dir/systemd/$unit" "$units/$unit"
        install_drop_in "$unit"
    done
    [[ -n "$root" ]] || change systemctl daemon-reload
    mapfile -t wanted < <(units_of_roles)
    for unit in "${all_units[@]}"; do
        [[ "$unit" == sightpost-prune.service ]] && continue # its timer starts it
        if [[ " ${wanted[*]} " == *" $unit "* ]]; then
            systemctl_here enable "$unit"
        else
            [[ -n "$root" ]] || change systemctl --quiet stop "$unit"
            systemctl_here disable "$unit"
        fi
    done
}

# A unit as shipped names the default folder and user; others go into a drop-in beside it.
install_drop_in() { # UNIT
    local folder="$units/$1.d" lines=("[Service]" "User=$user" "Group=$(group_name)")
    [[ "$1" == *.service ]] || return 0
    if [[ "$data" == /var/lib/sightpost && "$user" == sightpost ]]; then
        [[ ! -e "$folder/10-installation.conf" ]] || change rm -- "$folder/10-installation.conf"
        return
    fi
    lines+=("WorkingDirectory=$data" "StateDirectory=" "ReadWritePaths=$data")
    # Of people's folders, the services see this one alone.
    [[ ! "$data" =~ ^/(home|root|run/user)/ ]] || lines+=("ProtectHome=tmpfs" "BindPaths=$data")
    change install -d -m 0755 "$folder"
    change write_lines "$folder/10-installation.conf" "${lines[@]}"
}

start_units() {
    local unit wanted
    mapfile -t wanted < <(units_of_roles)
    for unit in "${wanted[@]}"; do
        change systemctl restart "$unit" || return 1
    done
}

remove_units() {
    local unit
    for unit in "${all_units[@]}"; do
        [[ -e "$units/$unit" ]] || continue
        [[ -n "$root" ]] || change systemctl --quiet stop "$unit"
        [[ "$unit" == sightpost-prune.service ]] || systemctl_here disable "$unit"
        change rm -f -- "$units/$unit" "$units/$unit.d/10-installation.conf"
        [[ ! -d "$units/$unit.d" ]] || change rmdir --ignore-fail-on-non-empty -- "$units/$unit.d"
    done
    [[ -n "$root" ]] || change systemctl daemon-reload
}

nginx_sites="nginx/sites-available"

install_nginx() {
    local role port=80
    [[ -d "$root/etc/nginx/sites-enabled" ]] ||
        fail "--nginx: nginx is not installed here: sudo apt-get install nginx-light"
    # Debian's welcome page would answer in our place.
    if [[ "$(readlink -- "$root/etc/nginx/sites-enabled/default")" == */sites-available/default ]]; then
        change rm -- "$root/etc/nginx/sites-enabled/default"
    fi
    for role in agent server; do
        [[ ",$roles," == *,$role,* ]] || continue
        change install_site "$role" "$port"
        port=81
    done
    reload_nginx || fail "nginx refuses its configuration (see above): mend it, then run this again"
}

install_site() { # ROLE PORT
    local site="$root/etc/$nginx_sites/sightpost-$1" web_host web_port program=agent host_key=AGENT_WEB
    [[ "$1" == agent ]] || { program=server host_key=SERVER_WEB; }
    web_port="$(new_setting "$program" "${host_key}_PORT")" || return
    web_host="$(new_setting "$program" "${host_key}_HOST")" || return
    [[ "$web_host" != 0.0.0.0 ]] || web_host=127.0.0.1
    sed -e "s/listen 80;/listen $2;/" -e "s/listen \[::\]:80;/listen [::]:$2;/" \
        -e "s|proxy_pass http://.*;|proxy_pass http://$web_host:$web_port;|" \
        "$code_dir/nginx/sightpost-$1.conf" >"$site.new"
    mv -- "$site.new" "$site"
    ln -sfn "../sites-available/sightpost-$1" "$root/etc/nginx/sites-enabled/sightpost-$1"
}

reload_nginx() {
    [[ -z "$root" ]] && ! $dry_run || return 0
    nginx -t -q && systemctl reload-or-restart nginx
}

remove_nginx() {
    local role removed=false
    for role in agent server; do
        [[ -e "$root/etc/$nginx_sites/sightpost-$role" ]] || continue
        removed=true
        change rm -f -- "$root/etc/nginx/sites-enabled/sightpost-$role" "$root/etc/$nginx_sites/sightpost-$role"
    done
    ! $removed || reload_nginx || say "nginx was not reloaded; see above"
}
