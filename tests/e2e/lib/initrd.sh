# Functions to build an initrd as a folder and pack it. Sourced by mkl1 and mkl2.
# The archive is not compressed: under emulation copying is cheaper than
# decompressing. It appears under its name only when it is whole.

initrd_begin() {
	initrd_out=$1
	root=$(mktemp -d)
	trap 'rm -rf "$root"' EXIT
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,root,mnt}
}

initrd_busybox() {
	local bb
	bb=$(command -v busybox) || {
		echo "$0: busybox is missing. Next: run scripts/deps (package busybox-static)." >&2
		exit 1
	}
	if ldd "$bb" >/dev/null 2>&1; then
		echo "$0: $bb is not static. Next: apt-get install busybox-static." >&2
		exit 1
	fi
	cp "$bb" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
}

# module_order TREE NAME...: paths below TREE of the modules and all that they
# need, each after those it depends on.
module_order() {
	awk -v want="${*:2}" '
	function canon(p) { sub(/.*\//, "", p); sub(/\.ko$/, "", p); gsub(/-/, "_", p); return p }
	function visit(name,   n, i, d) {
		if (seen[name]++) return
		if (!(name in path)) { print "no module " name > "/dev/stderr"; bad = 1; return }
		n = split(deps[name], d, " ")
		for (i = 1; i <= n; i++) visit(canon(d[i]))
		print path[name]
	}
	{
		p = $1; sub(/:$/, "", p); name = canon(p); path[name] = p
		line = $0; sub(/^[^:]*: */, "", line); deps[name] = line
	}
	END { n = split(want, w, " "); for (i = 1; i <= n; i++) visit(canon(w[i])); exit bad }
	' "$1/modules.dep"
}

# initrd_modules TREE NAME...: copies them to /modules and writes the list
# /modules/order, one file name a line.
initrd_modules() {
	local path
	mkdir -p "$root/modules"
	module_order "$@" >"$root/modules/paths"
	while read -r path; do
		cp "$1/$path" "$root/modules/"
		basename "$path"
	done <"$root/modules/paths" >"$root/modules/order"
	rm "$root/modules/paths"
}

# initrd_program FILE: copies a program with its shared libraries.
initrd_program() {
	local lib
	for lib in "$1" $(ldd "$1" | grep -o '/[^ ]*'); do
		install -D "$lib" "$root$lib"
	done
}

initrd_end() {
	(cd "$root" && find . | LC_ALL=C sort | busybox cpio -o -H newc 2>/dev/null) >"$initrd_out.tmp"
	mv "$initrd_out.tmp" "$initrd_out"
}
