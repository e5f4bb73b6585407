# Disk images for guests. Sourced, in the nested host, too.

# make_disk FILE: 16 MiB, the first four of them random; prints the MD5 sum of these four.
make_disk() {
	head -c 4M /dev/urandom >"$1"
	md5sum <"$1" | cut -d ' ' -f 1
	truncate -s 16M "$1"
}
