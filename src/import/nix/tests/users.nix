{
  alice = {
    uid = 1000;
    shell = pkgs.zsh;
    home = { pkgs, ... }: {
      home.packages = [ pkgs.hello ];
      programs.git.settings.user = { name = "Alice"; email = "alice@example.org"; };
    };
  };
  bob = { uid = 1001; description = "Bob"; home = ./bob.nix; };
}
