{ config, pkgs, lib, ... }:

{
  imports = [ ./editor.nix ];

  # Who we are is the machine's to say.
  home.username = "user";
  home.homeDirectory = "/home/user";
  home.stateVersion = "24.05";

  home.packages = with pkgs; [ ripgrep fd jq (writeShellScriptBin "hi" "echo hi") ];

  home.sessionVariables = {
    EDITOR = "nvim";
    PAGER = "${pkgs.less}/bin/less";
    CFG = "${config.xdg.configHome}/x";
  };
  home.sessionPath = [ "$HOME/.local/bin" ];
  home.shellAliases = { ll = "ls -la"; };

  home.file.".tmux.local.conf".source = ./dots/tmux.conf;
  home.file.".hushlogin".text = "";
  xdg.configFile."app/greeting".text = ''
    Hello,
      ''${pkgs.world} is escaped, $HOME is not.
  '';

  programs.git = {
    enable = true;
    settings.init.defaultBranch = "main";
    delta.enable = true;
    nonsense = 3;
  };
  programs.bash = {
    enable = true;
    initExtra = lib.mkAfter "true";
    shellAliases = { g = "git"; };
  };
  programs.tmux = {
    enable = true;
    mouse = true;
    plugins = with pkgs.tmuxPlugins; [ sensible yank ];
  };
  programs.alacritty.enable = true;
  programs.home-manager.enable = true;
  programs.neovim = { enable = true; package = null; };
  services.syncthing.enable = true;
}
