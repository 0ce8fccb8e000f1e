// placeholder until the room is furnished
return 0;
