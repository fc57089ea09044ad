#!/bin/sh
# Makes rpmdb.sqlite.gz and rpmdb.sqlite-wal.gz beside it, with Debian's rpm, rpmbuild, sqlite3 and gzip: a
# database of four packages made here, and a write-ahead log that removes one of them and is not
# finished.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

package() { # NAME EPOCH VERSION RELEASE VENDOR EXTRA FILE...
	name=$1 epoch=$2 version=$3 release=$4 vendor=$5 extra=$6
	shift 6
	{
		printf 'Name: %s\nEpoch: %s\nVersion: %s\nRelease: %s\nVendor: %s\n' "$name" "$epoch" "$version" "$release" "$vendor"
		printf 'Summary: made for a test\nLicense: MIT\nBuildArch: noarch\n%s\n%%description\nx\n%%install\n' "$extra"
		for f; do printf 'mkdir -p %%{buildroot}%s; echo x >%%{buildroot}%s\n' "$(dirname "$f")" "$f"; done
		printf '%%files\n'
		for f; do printf '%s\n' "$f"; done
	} >"$name.spec"
	rpmbuild --quiet --define "_topdir $work" -bb "$name.spec"
}

package plain 0 1.0 1.el9 AlmaLinux "" /usr/bin/plain
package epochal 2 3.0.1 41.el9_0 AlmaLinux "Requires: plain >= 1, /bin/sh" /usr/bin/epochal /etc/epochal.conf
package modular 0 20.1 1.module_el8.9.0+3+abc AlmaLinux "ModularityLabel: nodejs:20:8090020231201:abc" /usr/bin/modular
# Many files, so that the header takes overflow pages.
package large 0 7 1 "Fedora Project" "" $(seq -f /usr/share/large/a-rather-long-name-of-a-file-%g 1 400)

mkdir db
rpm --dbpath "$work/db" --initdb
rpm --dbpath "$work/db" --nodeps --justdb --nosignature --ignorearch -i RPMS/*/*.rpm
sqlite3 db/rpmdb.sqlite 'PRAGMA journal_mode=delete; VACUUM;' >/dev/null
gzip -9nc db/rpmdb.sqlite >"$here/rpmdb.sqlite.gz"

# The log is there for as long as the database is open.
sqlite3 db/rpmdb.sqlite >/dev/null <<SQL
PRAGMA journal_mode=wal;
PRAGMA wal_autocheckpoint=0;
DELETE FROM Packages WHERE hnum = (SELECT hnum FROM Name WHERE key = 'plain');
.shell cp db/rpmdb.sqlite-wal wal
.shell cp db/rpmdb.sqlite main
SQL
gzip -9nc wal >"$here/rpmdb.sqlite-wal.gz"
gzip -9nc main >"$here/rpmdb.sqlite.gz"
