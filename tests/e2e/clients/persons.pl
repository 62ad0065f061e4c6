# SPDX-License-Identifier: MIT
# Perl's DBD::ODBC on the connection string of the tutorial: no user, no password, no token.
use strict;
use warnings;
use DBI;

my $string = shift;
my $d = DBI->connect("dbi:ODBC:$string", undef, undef, {RaiseError => 1, PrintError => 0});
print join('|', @$_), "\n"
    for @{$d->selectall_arrayref('SELECT ID, FirstName, LastName FROM Persons ORDER BY ID')};
my $s = $d->prepare('SELECT LastName FROM Persons WHERE FirstName = ?');
$s->execute('Ada');
print 'parameter ', $s->fetchrow_array, "\n";
$s->finish;
print "table $_->[2]\n" for @{$d->table_info(undef, undef, 'Persons', 'TABLE')->fetchall_arrayref};
eval { $d->selectall_arrayref('SELECT * FROM nosuch') };
print "error $DBI::errstr\n";
$d->do('BEGIN TRANSACTION');
$d->do('INSERT INTO Persons (FirstName, LastName) VALUES (?, ?)', undef, 'Grace', 'Hopper');
print 'inside ', $d->selectrow_array('SELECT COUNT(*) FROM Persons'), "\n";
$d->do('ROLLBACK');
print 'after ', $d->selectrow_array('SELECT COUNT(*) FROM Persons'), "\n";
$d->disconnect;
