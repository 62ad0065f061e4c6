# SPDX-License-Identifier: MIT
#
# For Homebrew on Linux: the libraries' version scripts are the GNU linker's. The formula builds an
# archive of this tree: git archive --prefix=entrasql-0.1.0/ -o entrasql-0.1.0.tar.gz HEAD
#   HOMEBREW_ENTRASQL_URL=file:///path/entrasql-0.1.0.tar.gz brew install --formula ./entrasql.rb
class Entrasql < Formula
  desc "Passwordless connections to Azure SQL, from C and everything built on it"
  homepage "https://entrasql.example"
  url ENV.fetch("HOMEBREW_ENTRASQL_URL", "https://entrasql.example/entrasql-0.1.0.tar.gz")
  version "0.1.0"
  license "MIT"

  depends_on "meson" => :build
  depends_on "ninja" => :build
  depends_on "pkgconf" => :build
  depends_on "curl"
  depends_on "freetds"
  depends_on "jansson"
  depends_on "libedit"
  depends_on "libmicrohttpd"
  depends_on "libuv"
  depends_on :linux
  depends_on "openssl@3"
  depends_on "sqlite"
  depends_on "unixodbc"

  def install
    system "meson", "setup", "build", "-Dtests=false", "-Dwerror=false", *std_meson_args
    system "meson", "compile", "-C", "build", "--verbose"
    system "meson", "install", "-C", "build", "--no-rebuild"
    pkgshare.install "examples", "packaging/systemd"
  end

  def caveats
    <<~TEXT
      Programs on ODBC find the driver as Driver={entrasql} after
        entrasql odbc install --user
      A service for systemd is in #{opt_pkgshare}/systemd.
    TEXT
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/entrasql --version")
    (testpath/"version.c").write <<~C
      #include <stdio.h>
      #include <entrasql/entrasql.h>
      int main(void) { return puts(entrasql_version()) < 0; }
    C
    system ENV.cc, "version.c", "-I#{include}", "-L#{lib}", "-lentrasql", "-o", "version"
    assert_match version.to_s, shell_output("./version")
  end
end
